#include "sweep/comparison.h"

#include <algorithm>
#include <cmath>

#include "sweep/student_t.h"

namespace espalier {
namespace {

constexpr double kUpper = 0.975;  // of a two-sided 95% interval

bool contains(std::span<const std::string> names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// The scores of `x` whose seeds `y` has too.
Scores common(const Scores& x, const Scores& y) {
  Scores both;
  for (const auto& [seed, score] : x)
    if (y.contains(seed)) both[seed] = score;
  return both;
}

ComparisonRow task_row(const Comparison& comparison, const std::string& task) {
  ComparisonRow row{task, {}, {}};
  for (const auto& setting : comparison.layout.settings) row.scores[setting];
  for (const auto& run : comparison.runs) {
    if (run.task != task) continue;
    row.scores[run.setting][run.seed] = run.score;
    row.baselines.insert(run.baselines.begin(), run.baselines.end());
  }
  return row;
}

ComparisonRow average_row(const std::string& name, const std::vector<const ComparisonRow*>& tasks) {
  ComparisonRow row{name, {}, {}};
  for (const auto& [setting, scores] : tasks.front()->scores) {
    std::vector<Scores> of_tasks;
    for (const auto* task : tasks) of_tasks.push_back(task->scores.at(setting));
    row.scores[setting] = mean_over_tasks(of_tasks);
  }
  for (const auto& [baseline, first] : tasks.front()->baselines) {
    double sum = 0;
    const bool all = std::all_of(tasks.begin(), tasks.end(), [&](const ComparisonRow* task) {
      const auto found = task->baselines.find(baseline);
      if (found == task->baselines.end()) return false;
      sum += found->second;
      return true;
    });
    if (all) row.baselines[baseline] = sum / static_cast<double>(tasks.size());
  }
  return row;
}

void add_averages(Comparison& comparison) {
  std::vector<const ComparisonRow*> all, without_rte;
  for (const auto& row : comparison.rows) {
    if (!contains(comparison.layout.average, row.name)) continue;
    all.push_back(&row);
    if (row.name != "rte") without_rte.push_back(&row);
  }
  if (all.size() < 2) return;
  std::vector<ComparisonRow> averages{average_row("average", all)};
  if (without_rte.size() > 1 && without_rte.size() < all.size())
    averages.push_back(average_row("average_without_rte", without_rte));
  comparison.rows.insert(comparison.rows.end(), averages.begin(), averages.end());
}

}  // namespace

Sample sample_of(const Scores& scores) {
  Sample sample{scores.size(), std::nan(""), std::nullopt};
  if (scores.empty()) return sample;
  const auto n = static_cast<double>(scores.size());
  double sum = 0, squares = 0;
  for (const auto& [seed, score] : scores) sum += score;
  sample.mean = sum / n;
  for (const auto& [seed, score] : scores) squares += (score - sample.mean) * (score - sample.mean);
  if (scores.size() > 1) sample.deviation = std::sqrt(squares / (n - 1));
  return sample;
}

bool Difference::excludes_zero() const {
  return half_width && std::fabs(mean) > *half_width;
}

Difference paired_difference(const Scores& x, const Scores& y) {
  auto differences = common(x, y);
  for (auto& [seed, score] : differences) score -= y.at(seed);
  const auto sample = sample_of(differences);
  Difference difference{sample.n, sample.mean, std::nullopt};
  if (sample.deviation)
    difference.half_width = student_t_quantile(kUpper, static_cast<int>(sample.n) - 1) * *sample.deviation /
                            std::sqrt(static_cast<double>(sample.n));
  return difference;
}

Scores mean_over_tasks(std::span<const Scores> tasks) {
  Scores means;
  if (tasks.empty()) return means;
  for (const auto& [seed, first] : tasks.front()) {
    double sum = 0;
    std::size_t found = 0;
    for (const auto& scores : tasks) {
      const auto at = scores.find(seed);
      if (at == scores.end()) break;
      sum += at->second;
      ++found;
    }
    if (found == tasks.size()) means[seed] = sum / static_cast<double>(found);
  }
  return means;
}

std::optional<double> kept(const Scores& x, const Scores& reference) {
  const double whole = sample_of(common(reference, x)).mean;
  if (!(whole > 0)) return std::nullopt;  // NaN too
  return sample_of(common(x, reference)).mean / whole;
}

std::optional<double> benefit_kept(const Scores& x, const Scores& reference, const Scores& dense) {
  const auto seeds = common(common(x, reference), dense);
  const auto benefit = paired_difference(common(reference, seeds), dense);
  if (!(benefit.mean > 0) || !benefit.excludes_zero()) return std::nullopt;
  return paired_difference(seeds, dense).mean / benefit.mean;
}

Comparison compare(ComparisonLayout layout, std::vector<RunScore> runs) {
  Comparison comparison{std::move(layout), {}, std::move(runs)};
  for (const auto& task : comparison.layout.tasks) comparison.rows.push_back(task_row(comparison, task));
  add_averages(comparison);
  return comparison;
}

std::vector<std::pair<std::string, std::string>> compared_pairs(const ComparisonLayout& layout) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& setting : layout.settings)
    if (setting != layout.reference && setting != layout.dense) pairs.emplace_back(setting, layout.reference);
  if (!layout.dense) return pairs;
  for (const auto& setting : layout.settings)
    if (setting != layout.dense) pairs.emplace_back(setting, *layout.dense);
  return pairs;
}

}  // namespace espalier
