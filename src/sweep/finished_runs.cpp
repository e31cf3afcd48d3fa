#include "sweep/finished_runs.h"

#include <fmt/format.h>

#include "artifacts/run_folder.h"
#include "base/error.h"
#include "data/task_metrics.h"

namespace espalier {
namespace {

/// The task as it was measured: a table's kind is an option of the run.
Task measured_task(const EvalResult& eval) {
  auto task = find_task(eval.task);
  if (task.source == TaskSource::kTable && eval.metrics.contains("pearson"))
    task = table_task({.kind = TaskKind::kRegression});
  return task;
}

/// Metric times 100. `where` is the file that should have it.
double primary_score(const Task& task, const Metrics& metrics, const std::string& where) {
  for (const auto& name : task.primary)
    if (!metrics.contains(name)) throw UserError(fmt::format("{}: the metric {} is missing", where, name));
  return 100 * primary_metric(task, metrics);
}

/// Largest class and mean value are one column: the constant predictor.
std::string baseline_name(const std::string& name) {
  return name == "largest_class" || name == "mean_value" ? "constant" : name;
}

RunScore read_score(const GridRun& run) {
  const auto folder = read_run_folder(run.folder);
  const auto file = (run.folder / "eval.json").string();
  if (!folder.eval) throw UserError(fmt::format("{}: no such file, though the run is finished", file));
  const auto& eval = *folder.eval;
  if (eval.task != run.task)
    throw UserError(fmt::format("{}: task: found {}, expected {}", file, eval.task, run.task));
  const auto task = measured_task(eval);
  RunScore score{.task = run.task,
                 .setting = run.setting,
                 .seed = run.seed,
                 .score = primary_score(task, eval.metrics, file),
                 .parameters = folder.manifest.parameters,
                 .peak_rss_bytes = folder.manifest.peak_rss_bytes};
  if (const auto train = folder.manifest.timings_seconds.find("train");
      train != folder.manifest.timings_seconds.end())
    score.train_seconds = train->second;
  for (const auto& [name, metrics] : eval.baselines)
    score.baselines[baseline_name(name)] = primary_score(task, metrics, file);
  return score;
}

}  // namespace

std::vector<RunScore> read_finished_runs(std::span<const GridRun> runs) {
  std::vector<RunScore> scores;
  for (const auto& run : runs)
    if (state_of(run) == RunState::kFinished) scores.push_back(read_score(run));
  return scores;
}

ComparisonLayout layout_of(const Grid& grid) {
  ComparisonLayout layout{.average = grid.average, .reference = grid.reference};
  for (const auto& task : grid.tasks) layout.tasks.push_back(task.name);
  for (const auto& setting : grid.settings) {
    layout.settings.push_back(setting.name);
    if (setting.name == "dense") layout.dense = setting.name;
  }
  return layout;
}

}  // namespace espalier
