#include "report/tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "report/curves.h"
#include "report/html.h"
#include "report/quantities.h"
#include "report/shell_command.h"

namespace espalier {
namespace {

/// A column for each run; its colour marks it, as in the charts.
std::string run_header(const std::vector<RunFolder>& runs) {
  std::string html = "<thead><tr><td></td>";
  for (std::size_t i = 0; i < runs.size(); ++i) {
    html += fmt::format("<th scope=\"col\"><span class=\"run run-{}\">{}</span></th>", i % 6,
                        escape_html(runs[i].name));
  }
  return html + "</tr></thead>";
}

using Named = std::map<std::string, std::string>;  // row name -> text

/// Rows by name, one column a run. A row whose runs differ is marked.
std::string side_by_side(const std::vector<RunFolder>& runs, const std::vector<Named>& columns) {
  std::set<std::string> names;
  for (const Named& column : columns) {
    for (const auto& [name, text] : column) names.insert(name);
  }
  std::string html =
      "<div class=\"scroll\"><table class=\"facts\">" + (runs.size() > 1 ? run_header(runs) : "") + "<tbody>";
  for (const std::string& name : names) {
    std::string cells;
    std::set<std::string> distinct;
    for (const Named& column : columns) {
      const auto found = column.find(name);
      const std::string text = found == column.end() ? kAbsent : found->second;
      distinct.insert(text);
      cells += "<td>" + escape_html(text) + "</td>";
    }
    html += fmt::format("<tr{}><th scope=\"row\">{}</th>{}</tr>",
                        distinct.size() > 1 ? " class=\"differs\"" : "", escape_html(name), cells);
  }
  return html + "</tbody></table></div>";
}

/// {"moe": {"layers": [1, 3]}} as "moe.layers" -> "[1,3]".
void flatten(const nlohmann::json& value, const std::string& name, Named& out) {
  if (value.is_object() && (!value.empty() || name.empty())) {
    for (const auto& [key, item] : value.items()) flatten(item, name.empty() ? key : name + "." + key, out);
  } else if (value.is_string()) {
    out[name] = value.get<std::string>();
  } else {
    out[name] = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
}

Named machine_facts(const RunManifest& manifest) {
  Named facts{{"processor", manifest.machine.cpu},
              {"threads", std::to_string(manifest.machine.threads)},
              {"memory", human_bytes(static_cast<double>(manifest.machine.memory_bytes))},
              {"seed", std::to_string(manifest.seed)},
              {"started", manifest.started_at},
              {"command", shell_command(manifest.command)}};
  for (const auto& [name, version] : manifest.versions) facts["version of " + name] = version;
  return facts;
}

std::string step_rows(const std::vector<MetricsLine>& lines) {
  constexpr std::size_t kRows = 25;
  const auto optional = [](const std::optional<double>& value) {
    return human_number(value.value_or(std::nan("")));
  };
  std::string html;
  const std::size_t rows = std::min(kRows, lines.size());
  for (std::size_t i = 0; i < rows; ++i) {
    const MetricsLine& line = lines[rows == 1 ? 0 : i * (lines.size() - 1) / (rows - 1)];
    html += fmt::format(
        "<tr><th "
        "scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>"
        "<td>{}</td><td>{}</td></tr>",
        line.step, human_count(static_cast<double>(line.tokens)), human_duration(line.seconds),
        human_number(target_loss(line)), optional(line.valid_loss), optional(line.balance_loss),
        human_number(line.lr), optional(line.grad_norm), human_count(line.tokens_per_second),
        human_bytes(static_cast<double>(line.rss_bytes)));
  }
  return html;
}

}  // namespace

std::string timing_section(const std::vector<RunFolder>& runs) {
  std::string html;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto& timings = runs[i].manifest.timings_seconds;
    double total = 0;
    for (const auto& [part, seconds] : timings) total += seconds;
    if (!(total > 0)) continue;
    std::vector<std::pair<std::string, double>> parts(timings.begin(), timings.end());
    std::stable_sort(parts.begin(), parts.end(), [](auto& a, auto& b) { return a.second > b.second; });
    html += "<table class=\"bars\">";
    if (runs.size() > 1)
      html += fmt::format("<caption><span class=\"run run-{}\">{}</span></caption>", i % 6,
                          escape_html(runs[i].name));
    for (const auto& [part, seconds] : parts) {
      html += fmt::format(
          "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td class=\"bar\" aria-hidden=\"true\">"
          "<i class=\"run-{}\" style=\"width:{:.2f}%\"></i></td></tr>",
          escape_html(part), human_duration(seconds), human_percent(seconds / total), i % 6,
          100 * seconds / total);
    }
    html += "</table>";
  }
  return html.empty() ? "" : html_section("timings", "Where the time went", html);
}

std::string bench_section(const std::vector<RunFolder>& runs) {
  std::string rows;
  for (const RunFolder& run : runs) {
    if (!run.bench) continue;
    for (const BenchRow& row : run.bench->rows) {
      const Throughput& speed = row.tokens_per_second;
      rows += fmt::format(
          "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td><b>{}</b></td><td>{} to {} in "
          "{} runs</td>"
          "<td>{}</td><td>{}</td></tr>",
          escape_html(row.model), row.threads, row.batch, row.seq_len, human_count(speed.median),
          human_count(speed.min), human_count(speed.max), speed.runs,
          human_bytes(static_cast<double>(row.peak_rss_bytes)),
          human_count(static_cast<double>(row.parameters)));
    }
  }
  if (rows.empty()) return "";
  return html_section(
      "bench", "Speed and memory",
      "<div class=\"scroll\"><table class=\"numbers\"><thead><tr><th scope=\"col\">model</th>"
      "<th scope=\"col\">threads</th><th scope=\"col\">batch</th><th scope=\"col\">positions</th>"
      "<th scope=\"col\">tokens/s</th><th scope=\"col\">range</th><th scope=\"col\">peak memory</th>"
      "<th scope=\"col\">parameters</th></tr></thead><tbody>" +
          rows + "</tbody></table></div>");
}

std::string options_section(const std::vector<RunFolder>& runs) {
  std::vector<Named> columns;
  for (const RunFolder& run : runs) flatten(run.manifest.options, "", columns.emplace_back());
  if (std::all_of(columns.begin(), columns.end(), [](auto& column) { return column.empty(); })) return "";
  return html_section("options", "Options", side_by_side(runs, columns));
}

std::string machine_section(const std::vector<RunFolder>& runs) {
  std::vector<Named> columns;
  for (const RunFolder& run : runs) columns.push_back(machine_facts(run.manifest));
  return html_section("machine", "Machine", side_by_side(runs, columns));
}

std::string steps_section(const std::vector<RunFolder>& runs) {
  std::string html;
  for (const RunFolder& run : runs) {
    if (run.metrics.empty()) continue;
    html += fmt::format(
        "<details><summary>{} of {} logged steps of {}</summary><div class=\"scroll\"><table "
        "class=\"numbers\"><thead>"
        "<tr><th scope=\"col\">step</th><th scope=\"col\">tokens</th><th scope=\"col\">time</th><th "
        "scope=\"col\">loss</th>"
        "<th scope=\"col\">validation</th><th scope=\"col\">balance</th><th scope=\"col\">learning rate</th>"
        "<th scope=\"col\">gradient norm</th><th scope=\"col\">tokens/s</th><th "
        "scope=\"col\">memory</th></tr></thead>"
        "<tbody>{}</tbody></table></div></details>",
        std::min<std::size_t>(25, run.metrics.size()), run.metrics.size(), escape_html(run.name),
        step_rows(run.metrics));
  }
  return html.empty() ? "" : html_section("steps", "The numbers behind the curves", html);
}

}  // namespace espalier
