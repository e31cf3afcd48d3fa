#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "report/curves.h"
#include "report/html.h"
#include "report/quantities.h"
#include "report/tables.h"

namespace espalier {
namespace {

/// One headline figure of one run.
struct HeadlineFigure {
  const char* label;
  double value = std::numeric_limits<double>::quiet_NaN();
  std::string text;
  std::string note;
};

double median(std::vector<double> values) {
  std::erase_if(values, [](double value) { return !std::isfinite(value); });
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

HeadlineFigure best_validation(const std::vector<MetricsLine>& lines) {
  HeadlineFigure figure{.label = "Best validation loss", .text = human_number(std::nan("")), .note = ""};
  const MetricsLine* best = nullptr;
  for (const MetricsLine& line : lines) {
    if (line.valid_loss && std::isfinite(*line.valid_loss) && (!best || *line.valid_loss < *best->valid_loss))
      best = &line;
  }
  if (!best) return figure;
  figure.value = *best->valid_loss;
  figure.text = human_number(figure.value);
  figure.note = fmt::format("step {}, perplexity {}", best->step, human_number(std::exp(figure.value)));
  return figure;
}

HeadlineFigure training_loss(const std::vector<MetricsLine>& lines) {
  constexpr std::size_t kLast = 20;  // logged steps averaged: one alone is noise
  std::vector<double> last;
  for (std::size_t i = lines.size() - std::min(lines.size(), kLast); i < lines.size(); ++i) {
    last.push_back(target_loss(lines[i]));
  }
  double sum = 0;
  for (const double loss : last) sum += loss;
  const double mean = last.empty() ? std::nan("") : sum / static_cast<double>(last.size());
  return {.label = "Training loss",
          .value = mean,
          .text = human_number(mean),
          .note = last.empty() ? "" : fmt::format("mean of the last {} logged steps", last.size())};
}

std::string size_note(const RunManifest& manifest) {
  if (!manifest.active_parameters) return "";
  return human_count(static_cast<double>(*manifest.active_parameters)) + " used per token";
}

double seconds_trained(const RunFolder& run) {
  if (!run.metrics.empty()) return run.metrics.back().seconds;
  double sum = 0;
  for (const auto& [part, seconds] : run.manifest.timings_seconds) sum += seconds;
  return run.manifest.timings_seconds.empty() ? std::nan("") : sum;
}

/// The same figures in the same order for every run.
std::vector<HeadlineFigure> headline_figures(const RunFolder& run) {
  const std::vector<MetricsLine>& lines = run.metrics;
  const double tokens = lines.empty() ? std::nan("") : static_cast<double>(lines.back().tokens);
  std::vector<double> speeds;
  for (const MetricsLine& line : lines) speeds.push_back(line.tokens_per_second);
  const double speed = median(speeds);
  const double seconds = seconds_trained(run);
  const auto peak = static_cast<double>(run.manifest.peak_rss_bytes);
  const double parameters =
      run.manifest.parameters ? static_cast<double>(*run.manifest.parameters) : std::nan("");
  return {best_validation(lines),
          training_loss(lines),
          {"Tokens", tokens, human_count(tokens),
           lines.empty() ? "" : fmt::format("{} steps", lines.back().step)},
          {"Tokens per second", speed, human_count(speed), lines.empty() ? "" : "median of the logged steps"},
          {"Time", seconds, human_duration(seconds), ""},
          {"Peak memory", peak, peak > 0 ? human_bytes(peak) : human_bytes(std::nan("")), "resident"},
          {"Parameters", parameters, human_count(parameters), size_note(run.manifest)}};
}

std::string status_badge(const RunManifest& manifest) {
  const std::string name(status_name(manifest.status));
  return fmt::format("<span class=\"status {0}\">{0}</span>", name);
}

std::string run_details(const RunFolder& run) {
  std::string html =
      fmt::format("<p class=\"run-details\">{} <span>{}</span> <time>{}</time> <span>seed {}</span></p>",
                  status_badge(run.manifest), escape_html(run.manifest.verb),
                  escape_html(run.manifest.started_at), run.manifest.seed);
  if (run.manifest.message)
    html += fmt::format("<p class=\"message\">{}</p>", escape_html(*run.manifest.message));
  return html;
}

std::string cards(const RunFolder& run) {
  std::string html = run_details(run) + "<dl class=\"cards\">";
  for (const HeadlineFigure& figure : headline_figures(run)) {
    if (std::isnan(figure.value)) continue;
    html += fmt::format("<div><dt>{}</dt><dd>{}</dd><dd class=\"note\">{}</dd></div>", figure.label,
                        figure.text, figure.note);
  }
  return html + "</dl>";
}

std::string comparison(const std::vector<RunFolder>& runs) {
  std::vector<std::vector<HeadlineFigure>> figures;
  std::string head = "<tr><td></td>", status = "<tr><th scope=\"row\">Status</th>";
  for (std::size_t i = 0; i < runs.size(); ++i) {
    figures.push_back(headline_figures(runs[i]));
    head += fmt::format("<th scope=\"col\"><span class=\"run run-{}\">{}</span></th>", i % 6,
                        escape_html(runs[i].name));
    status += "<td>" + status_badge(runs[i].manifest);
    if (runs[i].manifest.message)
      status += "<span class=\"note\">" + escape_html(*runs[i].manifest.message) + "</span>";
    status += "</td>";
  }
  std::string body = status + "</tr>";
  for (std::size_t row = 0; row < figures.front().size(); ++row) {
    std::optional<double> least;
    for (const auto& run : figures) {
      if (std::isfinite(run[row].value) && (!least || run[row].value < *least)) least = run[row].value;
    }
    if (!least) continue;
    body += fmt::format("<tr><th scope=\"row\">{}</th>", figures.front()[row].label);
    for (const auto& run : figures) {
      const bool best = row == 0 && run[row].value == *least;
      body += fmt::format("<td{}><b>{}</b><span class=\"note\">{}</span></td>", best ? " class=\"best\"" : "",
                          run[row].text, run[row].note);
    }
    body += "</tr>";
  }
  return "<div class=\"scroll\"><table class=\"comparison\"><thead>" + head + "</tr></thead><tbody>" + body +
         "</tbody></table></div>";
}

}  // namespace

std::string headline_section(const std::vector<RunFolder>& runs) {
  return "<section aria-label=\"Headline figures\">" +
         (runs.size() == 1 ? cards(runs.front()) : comparison(runs)) + "</section>\n";
}

}  // namespace espalier
