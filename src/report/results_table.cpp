#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "report/quantities.h"
#include "report/results_table.h"

namespace espalier {
namespace {

using Metrics = std::map<std::string, double>;

/// A member of a member of an object; nullptr where one is not there.
const nlohmann::json* find(const nlohmann::json& object, const char* key, const char* inner = nullptr) {
  if (!object.is_object() || !object.contains(key)) return nullptr;
  const nlohmann::json& found = object.at(key);
  return inner ? find(found, inner) : &found;
}

bool has_moe_layers(const RunFolder& run) {
  const auto lists_some = [](const nlohmann::json* layers) {
    return layers && layers->is_array() && !layers->empty();
  };
  const nlohmann::json& options = run.manifest.options;
  if (lists_some(find(options, "moe_layers")) || lists_some(find(options, "moe", "layers")) ||
      lists_some(find(options, "config", "moe_layers"))) {
    return true;
  }
  return std::any_of(run.metrics.begin(), run.metrics.end(), [](const MetricsLine& line) {
    return !line.survivors.empty() || !line.expert_load.empty();
  });
}

/// How the run was pruned, "staged" or "eager"; of those that were not, "moe" or "dense".
std::string setting_of(const RunFolder& run) {
  const nlohmann::json* prune = find(run.manifest.options, "prune");
  if (prune && prune->is_object()) prune = find(*prune, "schedule");
  const auto schedule = prune && prune->is_string() ? prune->get<std::string>() : "none";
  if (schedule != "none") return schedule;
  return has_moe_layers(run) ? "moe" : "dense";
}

std::vector<ResultsCell> metric_cells(const std::set<std::string>& names, const Metrics& metrics) {
  std::vector<ResultsCell> cells;
  for (const std::string& name : names) {
    const auto found = metrics.find(name);
    cells.push_back({found == metrics.end() ? kAbsent : human_number(found->second)});
  }
  return cells;
}

/// Speed and memory of the run's first bench row, whose shape the note gives.
std::vector<ResultsCell> bench_cells(const RunFolder& run) {
  if (!run.bench || run.bench->rows.empty()) return {{kAbsent}, {kAbsent}};
  const BenchRow& row = run.bench->rows.front();
  return {{human_count(row.tokens_per_second.median), fmt::format("batch {} of {}", row.batch, row.seq_len)},
          {human_bytes(static_cast<double>(row.peak_rss_bytes))}};
}

void append(std::vector<ResultsCell>& cells, const std::vector<ResultsCell>& more) {
  cells.insert(cells.end(), more.begin(), more.end());
}

ResultsRow run_row(const RunFolder& run, std::size_t index, const std::set<std::string>& metrics) {
  const double parameters =
      run.manifest.parameters ? static_cast<double>(*run.manifest.parameters) : std::nan("");
  ResultsRow row{run.name, index, {{setting_of(run)}}};
  row.cells.push_back({run.eval ? run.eval->task : kAbsent});
  row.cells.push_back({run.eval ? run.eval->split : kAbsent});
  row.cells.push_back({run.eval ? std::to_string(run.eval->examples) : kAbsent});
  append(row.cells, metric_cells(metrics, run.eval ? run.eval->metrics : Metrics()));
  row.cells.push_back({human_count(parameters)});
  append(row.cells, bench_cells(run));
  return row;
}

/// Baselines of all runs; those that several runs were measured against stand there once.
std::vector<ResultsRow> baseline_rows(const std::vector<RunFolder>& runs,
                                      const std::set<std::string>& metrics) {
  std::vector<ResultsRow> rows;
  for (const RunFolder& run : runs) {
    if (!run.eval) continue;
    for (const auto& [name, values] : run.eval->baselines) {
      ResultsRow row{
          name,
          std::nullopt,
          {{"baseline"}, {run.eval->task}, {run.eval->split}, {std::to_string(run.eval->examples)}}};
      append(row.cells, metric_cells(metrics, values));
      append(row.cells, {{kAbsent}, {kAbsent}, {kAbsent}});
      if (std::find(rows.begin(), rows.end(), row) == rows.end()) rows.push_back(std::move(row));
    }
  }
  return rows;
}

std::set<std::string> metric_names(const std::vector<RunFolder>& runs) {
  std::set<std::string> names;
  for (const RunFolder& run : runs) {
    if (!run.eval) continue;
    for (const auto& [name, value] : run.eval->metrics) names.insert(name);
    for (const auto& [baseline, values] : run.eval->baselines) {
      for (const auto& [name, value] : values) names.insert(name);
    }
  }
  return names;
}

}  // namespace

ResultsTable results_table(const std::vector<RunFolder>& runs) {
  const std::set<std::string> metrics = metric_names(runs);
  ResultsTable table;
  table.columns = {"run", "setting", "task", "split", "examples"};
  table.columns.insert(table.columns.end(), metrics.begin(), metrics.end());
  for (const char* title : {"parameters", "tokens/s", "peak memory"}) table.columns.push_back(title);
  for (std::size_t i = 0; i < runs.size(); ++i) table.rows.push_back(run_row(runs[i], i, metrics));
  for (ResultsRow& row : baseline_rows(runs, metrics)) table.rows.push_back(std::move(row));
  return table;
}

}  // namespace espalier
