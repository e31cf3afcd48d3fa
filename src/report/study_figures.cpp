#include "report/study_figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "report/html.h"
#include "report/quantities.h"

namespace espalier {
namespace {

constexpr double kWidth = 560, kHeight = 300, kLeft = 62, kRight = 12, kTop = 10, kBottom = 44;
constexpr int kColours = 6;  // of page.css, --run-0 ..

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

std::string drawn(const FigureSeries& series, const Axis& x, const Axis& y, std::size_t colour) {
  std::string svg = fmt::format("<g style=\"--series: var(--run-{})\">", colour % kColours);
  if (series.marks == FigureMarks::kLine) {
    svg += "<polyline points=\"";
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
    html += fmt::format("<span style=\"--series: var(--run-{})\">{}</span>", i % kColours,
                        escape_html(figure.series[i].name));
  return html + "</p>";
}

std::string drawn(const Figure& figure) {
  std::vector<const std::vector<double>*> across, up;
  for (const FigureSeries& series : figure.series) {
    across.push_back(&series.x);
    up.insert(up.end(), {&series.y, &series.low, &series.high});
  }
  const Axis x = axis_over(across, figure.x_scale, kLeft, kWidth - kRight);
  const Axis y = axis_over(up, figure.y_scale, kHeight - kBottom, kTop);
  std::string html = fmt::format(
      "<figure class=\"chart study\" id=\"figure-{}\"><figcaption><h3>{}</h3><span "
      "class=\"unit\">{}</span></figcaption>"
      "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">",
      figure.id, escape_html(figure.title), escape_html(figure.y_label), kWidth, kHeight,
      escape_html(figure.title));
  html += grid(x, y, figure);
  for (std::size_t i = 0; i < figure.series.size(); ++i) html += drawn(figure.series[i], x, y, i);
  return html + "</svg>" + key_of(figure) + "<p class=\"hint\">" + escape_html(figure.caption) +
         "</p></figure>\n";
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

}  // namespace espalier
