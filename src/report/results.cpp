#include <fmt/format.h>

#include <algorithm>

#include "report/html.h"
#include "report/results_table.h"
#include "report/tables.h"

namespace espalier {
namespace {

std::string html_cell(const ResultsCell& cell) {
  return "<td>" + escape_html(cell.text) +
         (cell.note.empty() ? "" : "<span class=\"note\">" + escape_html(cell.note) + "</span>") + "</td>";
}

std::string html_row(const ResultsRow& row) {
  const std::string name = escape_html(row.name);
  std::string html = row.run ? fmt::format("<tr><th scope=\"row\"><span class=\"run run-{}\">{}</span></th>",
                                           *row.run % 6, name)
                             : "<tr class=\"baseline\"><th scope=\"row\">" + name + "</th>";
  for (const ResultsCell& cell : row.cells) html += html_cell(cell);
  return html + "</tr>";
}

/// Code points: as wide as the text is on a terminal, for the characters that occur in tables.
std::size_t columns_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](unsigned char byte) { return (byte & 0xC0) != 0x80; }));
}

std::vector<std::string> text_row(const ResultsRow& row) {
  std::vector<std::string> texts{row.name};
  for (const ResultsCell& cell : row.cells) texts.push_back(cell.text);
  return texts;
}

}  // namespace

std::string results_section(const std::vector<RunFolder>& runs) {
  if (std::none_of(runs.begin(), runs.end(), [](const RunFolder& run) { return run.eval.has_value(); }))
    return "";
  const ResultsTable table = results_table(runs);
  std::string head, rows;
  for (const std::string& title : table.columns) head += "<th scope=\"col\">" + escape_html(title) + "</th>";
  for (const ResultsRow& row : table.rows) rows += html_row(row);
  return html_section("results", "Results",
                      "<div class=\"scroll\"><table class=\"numbers results\"><thead><tr>" + head +
                          "</tr></thead><tbody>" + rows + "</tbody></table></div>");
}

std::string results_text(const ResultsTable& table) {
  std::vector<std::vector<std::string>> lines{table.columns};
  for (const ResultsRow& row : table.rows) lines.push_back(text_row(row));
  std::vector<std::size_t> widths(table.columns.size(), 0);
  for (const auto& line : lines)
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], columns_of(line[i]));
  std::string text;
  for (const auto& line : lines) {
    std::string out;
    for (std::size_t i = 0; i < line.size(); ++i) {
      const std::string gap(widths[i] - columns_of(line[i]), ' ');
      out += (i == 0 ? "" : "  ") + (i < 4 ? line[i] + gap : gap + line[i]);  // names left, numbers right
    }
    text += out + '\n';
  }
  return text;
}

}  // namespace espalier
