#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "report/html.h"
#include "report/quantities.h"
#include "report/tables.h"

namespace espalier {
namespace {

using Metrics = std::map<std::string, double>;

constexpr const char* kAbsent = "\u2013";

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

std::string cell(const std::string& text, const std::string& note = "") {
  return "<td>" + escape_html(text) +
         (note.empty() ? "" : "<span class=\"note\">" + escape_html(note) + "</span>") + "</td>";
}

std::string metric_cells(const std::set<std::string>& names, const Metrics& metrics) {
  std::string html;
  for (const std::string& name : names) {
    const auto found = metrics.find(name);
    html += cell(found == metrics.end() ? kAbsent : human_number(found->second));
  }
  return html;
}

/// Speed and memory of the run's first bench row, whose shape the note gives.
std::string bench_cells(const RunFolder& run) {
  const bool measured = run.bench && !run.bench->rows.empty();
  if (!measured) return cell(kAbsent) + cell(kAbsent);
  const BenchRow& row = run.bench->rows.front();
  return cell(human_count(row.tokens_per_second.median),
              fmt::format("batch {} of {}", row.batch, row.seq_len)) +
         cell(human_bytes(static_cast<double>(row.peak_rss_bytes)));
}

std::string run_row(const RunFolder& run, std::size_t index, const std::set<std::string>& metrics) {
  const double parameters =
      run.manifest.parameters ? static_cast<double>(*run.manifest.parameters) : std::nan("");
  std::string html = fmt::format("<tr><th scope=\"row\"><span class=\"run run-{}\">{}</span></th>", index % 6,
                                 escape_html(run.name));
  html += cell(setting_of(run));
  html += cell(run.eval ? run.eval->task : kAbsent) + cell(run.eval ? run.eval->split : kAbsent);
  html += cell(run.eval ? std::to_string(run.eval->examples) : kAbsent);
  html += metric_cells(metrics, run.eval ? run.eval->metrics : Metrics());
  return html + cell(human_count(parameters)) + bench_cells(run) + "</tr>";
}

/// Baselines of all runs; those that several runs were measured against stand there once.
std::string baseline_rows(const std::vector<RunFolder>& runs, const std::set<std::string>& metrics) {
  std::vector<std::string> rows;
  for (const RunFolder& run : runs) {
    if (!run.eval) continue;
    for (const auto& [name, values] : run.eval->baselines) {
      std::string row = "<tr class=\"baseline\"><th scope=\"row\">" + escape_html(name) + "</th>" +
                        cell("baseline") + cell(run.eval->task) + cell(run.eval->split) +
                        cell(std::to_string(run.eval->examples)) + metric_cells(metrics, values) +
                        cell(kAbsent) + cell(kAbsent) + cell(kAbsent) + "</tr>";
      if (std::find(rows.begin(), rows.end(), row) == rows.end()) rows.push_back(std::move(row));
    }
  }
  std::string html;
  for (const std::string& row : rows) html += row;
  return html;
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

std::string results_section(const std::vector<RunFolder>& runs) {
  if (std::none_of(runs.begin(), runs.end(), [](const RunFolder& run) { return run.eval.has_value(); }))
    return "";
  const std::set<std::string> metrics = metric_names(runs);
  std::string head;
  const auto column = [&](const std::string& title) {
    head += "<th scope=\"col\">" + escape_html(title) + "</th>";
  };
  for (const char* title : {"run", "setting", "task", "split", "examples"}) column(title);
  for (const std::string& name : metrics) column(name);
  for (const char* title : {"parameters", "tokens/s", "peak memory"}) column(title);
  std::string rows;
  for (std::size_t i = 0; i < runs.size(); ++i) rows += run_row(runs[i], i, metrics);
  return html_section("results", "Results",
                      "<div class=\"scroll\"><table class=\"numbers results\"><thead><tr>" + head +
                          "</tr></thead><tbody>" + rows + baseline_rows(runs, metrics) +
                          "</tbody></table></div>");
}

}  // namespace espalier
