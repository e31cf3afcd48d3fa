#include "report/expert_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/html.h"

namespace espalier {
namespace {

std::string cell_html(const ExpertCell& cell) {
  const double tone = std::isfinite(cell.tone) ? std::clamp(cell.tone, -1.0, 1.0) : 0.0;
  std::string classes = tone < 0 ? "low" : "";
  if (cell.dropped) classes += classes.empty() ? "gone" : " gone";
  return fmt::format("<td{} style=\"--v:{:.2f}\" title=\"{}\"></td>",
                     classes.empty() ? "" : fmt::format(" class=\"{}\"", classes), std::fabs(tone),
                     escape_html(cell.title));
}

}  // namespace

std::string expert_map(const std::vector<ExpertRow>& rows, const std::string& label) {
  std::string html = fmt::format("<div class=\"scroll\"><table class=\"cells\" aria-label=\"{}\"><tbody>",
                                 escape_html(label));
  for (const ExpertRow& row : rows) {
    html += fmt::format("<tr><th scope=\"row\">{}</th>", row.layer);
    for (const ExpertCell& cell : row.experts) html += cell_html(cell);
    html += "</tr>\n";
  }
  return html + "</tbody></table></div>";
}

}  // namespace espalier
