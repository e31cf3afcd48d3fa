#include "report/expert_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/html.h"

namespace espalier {
namespace {

constexpr int kTones = 10;  // page.css has a rule for each

/// Classes of a cell: "t7" for seven tenths, "low" below an even share, "gone" for a dropped expert.
std::string classes_of(const ExpertCell& cell) {
  const double tone = std::isfinite(cell.tone) ? std::clamp(cell.tone, -1.0, 1.0) : 0.0;
  const auto step = static_cast<int>(std::lround(std::fabs(tone) * kTones));
  std::string classes;
  if (step > 0) classes = fmt::format("t{}{}", step, tone < 0 ? " low" : "");
  if (cell.dropped) classes += classes.empty() ? "gone" : " gone";
  return classes;
}

std::string cell_html(const ExpertCell& cell) {
  const std::string classes = classes_of(cell);
  std::string html = "<td";
  if (!classes.empty())
    html += classes.find(' ') == std::string::npos ? " class=" + classes : " class=\"" + classes + "\"";
  if (!cell.title.empty()) html += fmt::format(" title=\"{}\"", escape_html(cell.title));
  return html + ">" + escape_html(cell.number);
}

std::string head_html(std::size_t columns) {
  std::string html = "<thead><tr><td>";
  for (std::size_t i = 0; i < columns; ++i) html += fmt::format("<th>{}", i);
  return html + "</thead>";
}

}  // namespace

std::string cell_number(double value) {
  if (!std::isfinite(value)) return "";
  if (std::fabs(value) >= 9.95) return fmt::format("{:.0f}", value);
  if (std::fabs(value) >= 0.995) return fmt::format("{:.1f}", value);
  std::string text = fmt::format("{:.2f}", value);
  if (text == "0.00" || text == "-0.00") return "0";
  return text.erase(text.find('0'), 1);  // "0.07" is ".07"
}

std::string expert_map(const std::vector<ExpertRow>& rows, const std::string& label) {
  std::size_t columns = 0;
  for (const ExpertRow& row : rows) columns = std::max(columns, row.experts.size());
  std::string html = fmt::format("<div class=\"scroll\"><table class=\"cells\" aria-label=\"{}\">{}<tbody>",
                                 escape_html(label), head_html(columns));
  for (const ExpertRow& row : rows) {
    html += fmt::format("<tr><th scope=\"row\">{}</th>", row.layer);
    for (const ExpertCell& cell : row.experts) html += cell_html(cell);
    html += "\n";
  }
  return html + "</tbody></table></div>";
}

}  // namespace espalier
