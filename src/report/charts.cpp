#include "report/charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <span>

#include "report/curves.h"
#include "report/html.h"
#include "report/quantities.h"
#include "report/window_figures.h"

namespace espalier {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kBuckets = 200;  // points drawn: at most two a bucket and curve
constexpr std::size_t kLoadBins = 160;

enum class Range { kFit, kFromZero };

/// A curve of a chart; with `per_layer`, one for every MoE layer ("survivors_3").
struct LineSpec {
  const char* curve;
  const char* label;
  const char* style;  ///< "line", "smooth" (with the raw values behind it), "marks", "steps"
};
struct ChartSpec {
  const char* id;
  const char* title;
  const char* unit;
  const char* format;  ///< how page.js writes values: "number", "count", "bytes", "duration"
  Range range;
  std::vector<LineSpec> lines;
  double from_share = 0;  ///< of the x axis: what comes before is not drawn
};

const std::vector<ChartSpec>& chart_specs() {
  static const std::vector<ChartSpec> specs = {
      {"loss",
       "Loss",
       "nats per target",
       "number",
       Range::kFit,
       {{"loss", "training", "smooth"}, {"valid_loss", "validation", "marks"}}},
      {"loss_late",
       "Loss, second half",
       "nats per target",
       "number",
       Range::kFit,
       {{"loss", "training", "smooth"}, {"valid_loss", "validation", "marks"}},
       0.5},
      {"tokens_per_second",
       "Speed",
       "tokens per second",
       "count",
       Range::kFromZero,
       {{"tokens_per_second", "tokens/s", "smooth"}}},
      {"lr", "Learning rate", "", "number", Range::kFromZero, {{"lr", "learning rate", "line"}}},
      {"grad_norm",
       "Gradient norm",
       "before clipping",
       "number",
       Range::kFromZero,
       {{"grad_norm", "norm", "smooth"}}},
      {"balance_loss",
       "Balance loss",
       "before its weight; 1 = even",
       "number",
       Range::kFit,
       {{"balance_loss", "balance", "smooth"}}},
      {"effective_experts",
       "Experts in use",
       "exp of the load's entropy",
       "number",
       Range::kFit,
       {{"effective_experts", "layer", "line"}}},
      {"survivors",
       "Experts left",
       "per MoE layer",
       "number",
       Range::kFromZero,
       {{"survivors", "layer", "steps"}}},
      {"rss_bytes",
       "Memory",
       "resident bytes",
       "bytes",
       Range::kFromZero,
       {{"rss_bytes", "resident", "line"}}},
      {"seconds",
       "Time",
       "wall clock since step 0",
       "duration",
       Range::kFromZero,
       {{"seconds", "elapsed", "line"}}},
  };
  return specs;
}

/// A run's curves, all of them and those with a smoothed version, and the rows that are drawn.
struct RunCurves {
  std::vector<Curve> curves;
  std::vector<std::size_t> rows;
  std::size_t radius = 0;

  const Curve* find(std::string_view name) const {
    const auto found = std::find_if(curves.begin(), curves.end(), [&](auto& c) { return c.name == name; });
    return found == curves.end() ? nullptr : &*found;
  }
};

bool is_charted(const Curve& curve) {
  const bool drawn =
      std::any_of(curve.values.begin(), curve.values.end(), [](double v) { return std::isfinite(v); });
  if (!drawn || !curve.name.starts_with("survivors_")) return drawn;
  // Experts left are news only where some were pruned.
  return std::adjacent_find(curve.values.begin(), curve.values.end(), std::not_equal_to<>()) !=
         curve.values.end();
}

RunCurves curves_to_draw(const RunFolder& run) {
  RunCurves result;
  result.curves = curves_of(run.metrics);
  std::erase_if(result.curves, [](const Curve& curve) { return !is_charted(curve); });
  result.radius = smoothing_radius(run.metrics.size());
  result.rows = rows_to_draw(result.curves, kBuckets);
  return result;
}

/// Six significant digits: finer than a screen, and half the bytes.
ordered_json rounded(double value) {
  if (!std::isfinite(value)) return nullptr;
  const double short_value = std::stod(fmt::format("{:.6g}", value));
  if (short_value == std::floor(short_value) && std::fabs(short_value) < 1e15) {
    return static_cast<std::int64_t>(short_value);
  }
  return short_value;
}

ordered_json rounded_share(double share) {
  return std::isnan(share) ? ordered_json(nullptr) : ordered_json(std::round(share * 1e4) / 1e4);
}

ordered_json values_at(const std::vector<double>& values, const std::vector<std::size_t>& rows) {
  ordered_json result = ordered_json::array();
  for (const std::size_t row : rows) result.push_back(rounded(values[row]));
  return result;
}

/// Step, tokens and seconds keep all their digits: cursors show them.
ordered_json positions_at(const RunFolder& run, const std::vector<std::size_t>& rows) {
  ordered_json x{
      {"step", ordered_json::array()}, {"tokens", ordered_json::array()}, {"seconds", ordered_json::array()}};
  for (const std::size_t row : rows) {
    const MetricsLine& line = run.metrics[row];
    x["step"].push_back(line.step);
    x["tokens"].push_back(line.tokens);
    x["seconds"].push_back(rounded(line.seconds));
  }
  return x;
}

bool is_smoothed(std::string_view curve) {
  for (const ChartSpec& spec : chart_specs()) {
    for (const LineSpec& line : spec.lines) {
      if (curve == line.curve) return line.style == std::string_view("smooth");
    }
  }
  return false;
}

ordered_json run_data(const RunFolder& run, const RunCurves& drawn) {
  ordered_json values = ordered_json::object();
  for (const Curve& curve : drawn.curves) {
    values[curve.name] = values_at(curve.values, drawn.rows);
    if (drawn.radius > 0 && is_smoothed(curve.name)) {
      values[curve.name + "_smooth"] = values_at(moving_mean(curve.values, drawn.radius), drawn.rows);
    }
  }
  return {{"name", run.name}, {"x", positions_at(run, drawn.rows)}, {"curves", values}};
}

/// The curves of a line over all runs: [run, curve].
std::vector<std::pair<std::size_t, const Curve*>> curves_for(const LineSpec& line,
                                                             std::span<const RunCurves> runs) {
  const std::string per_layer = std::string(line.curve) + "_";
  std::vector<std::pair<std::size_t, const Curve*>> found;
  for (std::size_t run = 0; run < runs.size(); ++run) {
    for (const Curve& curve : runs[run].curves) {
      const bool layer_of = curve.name.starts_with(per_layer) &&
                            curve.name.find_first_not_of("0123456789", per_layer.size()) == std::string::npos;
      if (curve.name == line.curve || layer_of) found.emplace_back(run, &curve);
    }
  }
  return found;
}

std::string value_text(std::string_view format, double value) {
  if (format == "bytes") return human_bytes(value);
  if (format == "count") return human_count(value);
  if (format == "duration") return human_duration(value);
  return human_number(value);
}

/// "training: from 9.01 to 2.31, least 2.3": what the chart shows, for those who cannot see it.
std::string spoken(const std::string& label, const std::vector<double>& values, std::string_view format) {
  std::vector<double> finite;
  std::copy_if(values.begin(), values.end(), std::back_inserter(finite),
               [](double v) { return std::isfinite(v); });
  const auto [least, greatest] = std::minmax_element(finite.begin(), finite.end());
  return fmt::format("{}: from {} to {}, least {}, greatest {}", label, value_text(format, finite.front()),
                     value_text(format, finite.back()), value_text(format, *least),
                     value_text(format, *greatest));
}

struct ChartFigure {
  std::string html;
  ordered_json data;
};

std::optional<ChartFigure> chart_figure(const ChartSpec& spec, const std::vector<RunFolder>& runs,
                                        std::span<const RunCurves> drawn) {
  ordered_json lines = ordered_json::array();
  std::string aria = spec.title;
  for (const LineSpec& line : spec.lines) {
    for (const auto& [run, curve] : curves_for(line, drawn)) {
      std::string label = line.label;
      if (curve->name != line.curve)
        label += fmt::format(" {}", curve->name.substr(curve->name.rfind('_') + 1));
      lines.push_back({{"run", run}, {"curve", curve->name}, {"label", label}, {"style", line.style}});
      aria +=
          ". " + spoken(runs.size() > 1 ? runs[run].name + ", " + label : label, curve->values, spec.format);
    }
  }
  if (lines.empty()) return std::nullopt;
  ChartFigure figure;
  figure.html = fmt::format(
      "<figure class=\"chart\" id=\"chart-{0}\"><figcaption><h3>{1}</h3> <span "
      "class=\"unit\">{2}</span></figcaption>"
      "<div class=\"plot\" role=\"img\" aria-label=\"{3}\"></div></figure>\n",
      spec.id, spec.title, spec.unit, escape_html(aria));
  figure.data = {{"id", spec.id},
                 {"format", spec.format},
                 {"from_zero", spec.range == Range::kFromZero},
                 {"from_share", spec.from_share},
                 {"lines", lines}};
  return figure;
}

std::string load_caption(const LoadMap& map) {
  std::vector<double> last = map.shares.back();
  std::erase_if(last, [](double share) { return std::isnan(share); });
  const auto [idlest, busiest] = std::minmax_element(last.begin(), last.end());
  return fmt::format("at the end: busiest {}, idlest {}, even would be {}; {:.1f} of {} experts in use",
                     human_percent(*busiest), human_percent(*idlest),
                     human_percent(1.0 / static_cast<double>(last.size())), effective_experts(last),
                     map.experts);
}

std::string load_table(const LoadMap& map) {
  std::string html =
      "<details><summary>As a table</summary><table><thead><tr><th scope=\"col\">expert</th>"
      "<th scope=\"col\">first</th><th scope=\"col\">middle</th><th "
      "scope=\"col\">last</th></tr></thead><tbody>";
  for (std::size_t expert = 0; expert < map.experts; ++expert) {
    html += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td></tr>", expert,
                        human_percent(map.shares.front()[expert]),
                        human_percent(map.shares[map.shares.size() / 2][expert]),
                        human_percent(map.shares.back()[expert]));
  }
  return html + "</tbody></table></details>";
}

std::string load_figure(const RunFolder& run, std::size_t run_index, const LoadMap& map, bool several) {
  const std::string title = fmt::format("Layer {}", map.layer);
  const std::string of =
      several ? fmt::format("<span class=\"run run-{}\">{}</span> ", run_index % 6, escape_html(run.name))
              : "";
  const std::string caption = load_caption(map);
  return fmt::format(
      "<figure class=\"chart map\" id=\"load-{0}-{1}\"><figcaption>{2}<h3>{3}</h3> <span "
      "class=\"unit\">{4}</span>"
      "</figcaption><div class=\"plot\" role=\"img\" aria-label=\"{5}\"></div>"
      "<p class=\"readout\" aria-hidden=\"true\"></p>{6}</figure>\n",
      run_index, map.layer, of, title, caption,
      escape_html(fmt::format("Expert load of {} layer {} over the steps; {}", run.name, map.layer, caption)),
      load_table(map));
}

ordered_json load_data(const RunFolder& run, std::size_t run_index, const LoadMap& map) {
  ordered_json shares = ordered_json::array();
  for (const auto& bin : map.shares) {
    ordered_json row = ordered_json::array();
    for (const double share : bin) row.push_back(rounded_share(share));
    shares.push_back(std::move(row));
  }
  return {{"id", fmt::format("load-{}-{}", run_index, map.layer)},
          {"experts", map.experts},
          {"x", positions_at(run, map.last_rows)},
          {"shares", shares}};
}

}  // namespace

Charts make_charts(const std::vector<RunFolder>& runs) {
  std::vector<RunCurves> drawn;
  Charts charts;
  charts.data = {
      {"runs", ordered_json::array()}, {"charts", ordered_json::array()}, {"maps", ordered_json::array()}};
  for (const RunFolder& run : runs) {
    drawn.push_back(curves_to_draw(run));
    charts.data["runs"].push_back(run_data(run, drawn.back()));
  }
  for (const ChartSpec& spec : chart_specs()) {
    auto figure = chart_figure(spec, runs, drawn);
    if (!figure) continue;
    charts.line_figures += figure->html;
    charts.data["charts"].push_back(std::move(figure->data));
  }
  for (std::size_t run = 0; run < runs.size(); ++run) {
    for (const LoadMap& map : load_maps(runs[run].metrics, kLoadBins, runs[run].plans)) {
      charts.load_figures += load_figure(runs[run], run, map, runs.size() > 1);
      charts.data["maps"].push_back(load_data(runs[run], run, map));
    }
  }
  WindowFigures windows = window_figures(runs);
  charts.window_figures = std::move(windows.html);
  charts.data["windows"] = std::move(windows.data);
  return charts;
}

}  // namespace espalier
