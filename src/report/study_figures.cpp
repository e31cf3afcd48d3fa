#include "report/study_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "report/html.h"
#include "report/quantities.h"

namespace espalier {
namespace {

constexpr double kTitleHeight = 46, kKeyLeft = 14, kKeyRow = 18;  // of a figure on its own
constexpr std::size_t kKeyColumns = 3;
constexpr double kWidth = 560, kHeight = 300, kLeft = 62, kRight = 12, kTop = 10, kBottom = 44;
constexpr std::size_t kColours = 6;  // of page.css, --run-0 ..

/// Of a figure on its own: page.css in daylight.
constexpr const char* kStandaloneStyle =
    ":root { --run-0: #2e7d4f; --run-1: #c2571a; --run-2: #3d62b8; --run-3: #a13d79; --run-4: #8a6a10; "
    "--run-5: #2a8290; } "
    "text { font: 12px system-ui, sans-serif; fill: #1c241f; } .title { font-size: 15px; font-weight: 600; } "
    ".unit, .grid text { fill: #66716a; } .grid path { stroke: #ecece4; } "
    "polyline { fill: none; stroke: var(--series); stroke-width: 2; } g:not(.grid) > path { stroke: "
    "var(--series); } "
    "circle { fill: var(--series); }";

/// The colours come again with dashes, then with dots.
constexpr const char* kDashes[] = {"none", "6 4", "2 3"};
constexpr const char* kStrokeNames[] = {"solid", "dashed", "dotted"};
std::size_t stroke_of(std::size_t series) {
  return series / kColours % std::size(kDashes);
}

/// One axis: values to pixels.
struct Axis {
  FigureScale scale;
  double least, most;
  double begin, end;  // pixels

  double position(double value) const {
    const auto place = [&](double v) { return scale == FigureScale::kLogarithmic ? std::log10(v) : v; };
    return begin + (place(value) - place(least)) / (place(most) - place(least)) * (end - begin);
  }
};

Axis axis_over(const std::vector<const std::vector<double>*>& lists, FigureScale scale, double begin,
               double end) {
  double least = std::numeric_limits<double>::infinity(), most = -least;
  for (const auto* list : lists)
    for (const double value : *list) {
      least = std::min(least, value);
      most = std::max(most, value);
    }
  if (!(least <= most)) least = most = 1.0;
  if (scale == FigureScale::kLogarithmic) return {scale, least / 1.25, most * 1.25, begin, end};
  const double room = most > least ? 0.04 * (most - least) : std::max(0.5, 0.1 * std::abs(most));
  return {scale, least - room, most + room, begin, end};
}

/// Round numbers inside the axis.
std::vector<double> ticks(const Axis& axis) {
  std::vector<double> values;
  if (axis.scale == FigureScale::kLogarithmic) {
    for (double decade = std::pow(10.0, std::floor(std::log10(axis.least))); decade <= axis.most;
         decade *= 10)
      for (const double factor : {1.0, 2.0, 5.0})
        if (decade * factor >= axis.least && decade * factor <= axis.most) values.push_back(decade * factor);
    if (values.size() <= 7) return values;
    std::erase_if(values, [](double v) { return std::abs(std::remainder(std::log10(v), 1.0)) > 1e-6; });
    return values;
  }
  const double rough = (axis.most - axis.least) / 5, decade = std::pow(10.0, std::floor(std::log10(rough)));
  const double step = decade * (rough > 5 * decade ? 10 : rough > 2 * decade ? 5 : rough > decade ? 2 : 1);
  for (double at = std::ceil(axis.least / step); at * step <= axis.most; ++at) values.push_back(at * step);
  return values;
}

std::string grid(const Axis& x, const Axis& y, const Figure& figure) {
  std::string svg = "<g class=\"grid\">";
  for (const double value : ticks(y))
    svg += fmt::format(
        "<path d=\"M{:.1f} {:.1f}H{:.1f}\"/><text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>",
        x.begin, y.position(value), x.end, x.begin - 6, y.position(value) + 4, human_number(value));
  for (const double value : ticks(x))
    svg += fmt::format(
        "<path d=\"M{:.1f} {:.1f}V{:.1f}\"/><text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>",
        x.position(value), y.end, y.begin, x.position(value), y.begin + 16, human_number(value));
  return svg + fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text></g>",
                           (x.begin + x.end) / 2, kHeight - 6, escape_html(figure.x_label));
}

std::string drawn(const FigureSeries& series, const Axis& x, const Axis& y, std::size_t number) {
  std::string svg = fmt::format("<g style=\"--series: var(--run-{})\">", number % kColours);
  if (series.marks == FigureMarks::kLine) {
    svg += fmt::format("<polyline stroke-dasharray=\"{}\" points=\"", kDashes[stroke_of(number)]);
    for (std::size_t i = 0; i < series.x.size(); ++i)
      svg +=
          fmt::format("{}{:.1f},{:.1f}", i == 0 ? "" : " ", x.position(series.x[i]), y.position(series.y[i]));
    svg += "\"/>";
  }
  for (std::size_t i = 0; i < series.low.size(); ++i)
    svg += fmt::format("<path d=\"M{:.1f} {:.1f}V{:.1f}\"/>", x.position(series.x[i]),
                       y.position(series.low[i]), y.position(series.high[i]));
  for (std::size_t i = 0; i < series.x.size(); ++i)
    svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"><title>{}: {}, {}</title></circle>",
                       x.position(series.x[i]), y.position(series.y[i]), escape_html(series.name),
                       human_number(series.x[i]), human_number(series.y[i]));
  return svg + "</g>";
}

std::string key_of(const Figure& figure) {
  std::string html = "<p class=\"series\">";
  for (std::size_t i = 0; i < figure.series.size(); ++i)
    html += fmt::format("<span style=\"--series: var(--run-{}); --stroke: {}\">{}</span>", i % kColours,
                        kStrokeNames[stroke_of(i)], escape_html(figure.series[i].name));
  return html + "</p>";
}

/// What stands inside the <svg> of kWidth x kHeight.
std::string plot(const Figure& figure) {
  std::vector<const std::vector<double>*> across, up;
  for (const FigureSeries& series : figure.series) {
    across.push_back(&series.x);
    up.insert(up.end(), {&series.y, &series.low, &series.high});
  }
  const Axis x = axis_over(across, figure.x_scale, kLeft, kWidth - kRight);
  const Axis y = axis_over(up, figure.y_scale, kHeight - kBottom, kTop);
  std::string svg = grid(x, y, figure);
  for (std::size_t i = 0; i < figure.series.size(); ++i) svg += drawn(figure.series[i], x, y, i);
  return svg;
}

std::string drawn(const Figure& figure) {
  return fmt::format(
             "<figure class=\"chart study\" id=\"figure-{}\"><figcaption><h3>{}</h3><span "
             "class=\"unit\">{}</span></figcaption>"
             "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">",
             figure.id, escape_html(figure.title), escape_html(figure.y_label), kWidth, kHeight,
             escape_html(figure.title)) +
         plot(figure) + "</svg>" + key_of(figure) + "<p class=\"hint\">" + escape_html(figure.caption) +
         "</p></figure>\n";
}

/// Names under a plot, in columns.
std::string svg_key(const Figure& figure, double top) {
  std::string svg;
  for (std::size_t i = 0; i < figure.series.size(); ++i) {
    const double x = kKeyLeft + static_cast<double>(i % kKeyColumns) * (kWidth / kKeyColumns);
    const double y = top + static_cast<double>(i / kKeyColumns) * kKeyRow;
    svg += fmt::format(
        "<g style=\"--series: var(--run-{})\"><polyline stroke-dasharray=\"{}\" points=\"{:.1f},{:.1f} "
        "{:.1f},{:.1f}\"/></g><text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>",
        i % kColours, kDashes[stroke_of(i)], x, y - 4, x + 22, y - 4, x + 28, y,
        escape_html(figure.series[i].name));
  }
  return svg;
}

}  // namespace

std::string study_sections(const std::vector<RunFolder>& runs) {
  std::string html;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (runs[i].figures.empty()) continue;
    std::string body = "<div class=\"charts\">\n";
    for (const Figure& figure : runs[i].figures) body += drawn(figure);
    const std::string title = runs.size() == 1 ? "Figures" : "Figures of " + escape_html(runs[i].name);
    html += html_section(fmt::format("study-{}", i), title, body + "</div>");
  }
  return html;
}

std::string standalone_svg(const Figure& figure) {
  const double key_top = kTitleHeight + kHeight + kKeyRow;
  const auto rows = (figure.series.size() + kKeyColumns - 1) / kKeyColumns;
  const double height = key_top + static_cast<double>(rows) * kKeyRow;
  return fmt::format(
             "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" height=\"{1}\" "
             "role=\"img\">\n<title>{2}</title>\n<desc>{3}</desc>\n<style>{4}</style>\n"
             "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
             "<text x=\"{5}\" y=\"18\" class=\"title\">{2}</text><text x=\"{5}\" y=\"36\" "
             "class=\"unit\">{6}</text>\n"
             "<svg y=\"{7}\" width=\"{0}\" height=\"{8}\">",
             kWidth, height, escape_html(figure.title), escape_html(figure.caption), kStandaloneStyle,
             kKeyLeft, escape_html(figure.y_label), kTitleHeight, kHeight) +
         plot(figure) + "</svg>\n" + svg_key(figure, key_top) + "</svg>\n";
}

}  // namespace espalier
