#include <fmt/format.h>

#include <cmath>

#include "sweep/comparison_tables.h"

namespace espalier {
namespace {

std::string number(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? fmt::format("{:.4f}", *value) : "";
}

std::string difference_cells(const SeedScores& x, const SeedScores* y) {
  if (y == nullptr) return ",,,";
  const auto difference = paired_difference(x, *y);
  const auto bound = [&](double sign) {
    return difference.half_width ? std::optional(difference.mean + sign * *difference.half_width)
                                 : std::nullopt;
  };
  return fmt::format(",{},{},{}", number(difference.mean), number(bound(-1)), number(bound(1)));
}

std::string setting_line(const Comparison& comparison, const ComparisonRow& row, const std::string& setting) {
  const auto& layout = comparison.layout;
  const auto& scores = row.scores.at(setting);
  const auto sample = sample_of(scores);
  const auto& reference = row.scores.at(layout.reference);
  const SeedScores* dense = layout.dense ? &row.scores.at(*layout.dense) : nullptr;
  return fmt::format("{},{},{},{},{},{},{}", row.name, setting, sample.n, number(sample.mean),
                     number(sample.deviation), number(kept(scores, reference)),
                     dense == nullptr ? "" : number(benefit_kept(scores, reference, *dense))) +
         difference_cells(scores, setting == layout.reference ? nullptr : &reference) +
         difference_cells(scores, layout.dense == setting ? nullptr : dense) + "\n";
}

}  // namespace

std::string comparison_csv(const Comparison& comparison,
                           const std::function<bool(const std::string&)>& wanted) {
  std::string lines;
  for (const auto& row : comparison.rows) {
    if (!wanted(row.name)) continue;
    for (const auto& setting : comparison.layout.settings) lines += setting_line(comparison, row, setting);
    for (const auto& [name, score] : row.baselines)
      lines += fmt::format("{},{},,{},,,,,,,,,\n", row.name, name, number(score));
  }
  if (lines.empty()) return {};
  return "row,setting,seeds,mean,deviation,kept,benefit_kept,minus_reference,low,high,minus_dense,low,"
         "high\n" +
         lines;
}

std::string runs_csv(const Comparison& comparison) {
  std::string csv = "task,setting,seed,score,tokens,parameters,train_seconds\n";
  for (const auto& run : comparison.runs)
    csv += fmt::format("{},{},{},{},{},{},{:.1f}\n", run.task, run.setting, run.seed, number(run.score),
                       run.tokens, run.parameters ? fmt::to_string(*run.parameters) : "", run.train_seconds);
  return csv;
}

}  // namespace espalier
