#include "sweep/finished_runs.h"

#include <fmt/format.h>

#include "base/error.h"
#include "data/questions/articles.h"
#include "data/task_metrics.h"
#include "sweep/cells.h"

namespace espalier {
namespace {

constexpr const char* kRunAgain = "remove the folder of this run, and the same sweep makes it again";

/// The task as it was measured: a table's kind is an option of the run.
Task measured_task(const EvalResult& eval) {
  if (eval.task == kQuestionTask) return question_task();
  auto task = find_task(eval.task);
  if (task.source == TaskSource::kTable && eval.metrics.contains("pearson"))
    task = table_task({.kind = TaskKind::kRegression});
  return task;
}

/// Metric times 100. `where` is the file that should have it.
double primary_score(const Task& task, const Metrics& metrics, const std::string& where) {
  for (const auto& name : task.primary)
    if (!metrics.contains(name))
      throw UserError(fmt::format("{}: the metric {} is missing", where, name), kRunAgain);
  return 100 * primary_metric(task, metrics);
}

/// Largest class and mean value are one column: the constant predictor.
std::string baseline_name(const std::string& name) {
  return name == "largest_class" || name == "mean_value" || name == "no_answer" ? "constant" : name;
}

}  // namespace

std::vector<RunCell> read_finished_runs(std::span<const GridRun> runs) {
  std::vector<RunCell> cells;
  for (const auto& run : runs)
    if (auto cell = finished_cell(run)) cells.push_back(std::move(*cell));
  return cells;
}

RunScore score_of(const RunCell& cell) {
  const auto task = measured_task(cell.eval);
  const auto where = fmt::format("{}/{}/seed-{}: eval.json", cell.task, cell.setting, cell.seed);
  RunScore score{.task = cell.task,
                 .setting = cell.setting,
                 .seed = cell.seed,
                 .score = primary_score(task, cell.eval.metrics, where),
                 .tokens = cell.tokens,
                 .parameters = cell.parameters,
                 .train_seconds = cell.train_seconds,
                 .peak_rss_bytes = cell.peak_rss_bytes};
  for (const auto& [name, metrics] : cell.eval.baselines)
    score.baselines[baseline_name(name)] = primary_score(task, metrics, where);
  return score;
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
