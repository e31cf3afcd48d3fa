#include "report/report.h"

#include "base/error.h"
#include "report/assets.h"
#include "report/charts.h"
#include "report/html.h"
#include "report/page_shell.h"
#include "report/study_figures.h"
#include "report/tables.h"

namespace espalier {
namespace {

std::string title_of(const std::vector<RunFolder>& runs) {
  if (runs.size() == 1) return runs.front().name;
  std::string title;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    title += (i == 0 ? "" : i + 1 == runs.size() ? " and " : ", ") + runs[i].name;
  }
  return title;
}

std::string curves_section(const Charts& charts) {
  if (charts.line_figures.empty()) return "";
  return "<section id=\"curves\"><div class=\"bar-title\"><h2>Curves</h2>"
         "<fieldset id=\"across\" hidden><legend>across</legend>"
         "<label><input type=\"radio\" name=\"across\" value=\"step\" checked><span>steps</span></label>"
         "<label><input type=\"radio\" name=\"across\" value=\"tokens\"><span>tokens</span></label>"
         "<label><input type=\"radio\" name=\"across\" "
         "value=\"seconds\"><span>time</span></label></fieldset></div>"
         "<noscript><p>The curves need JavaScript; the numbers are in the tables below.</p></noscript>"
         "<div class=\"charts\">\n" +
         charts.line_figures +
         "</div><p class=\"hint\">Drag over a chart to zoom in, double-click to zoom out. Thin lines are "
         "logged values, "
         "thick lines their moving mean.</p></section>\n";
}

std::string load_section(const Charts& charts) {
  if (charts.load_figures.empty()) return "";
  return "<section id=\"load\"><h2>Expert load</h2><p>The share of the tokens that each expert of a layer "
         "got, against an "
         "even share.</p><p class=\"key\" aria-hidden=\"true\"><span>idle</span><i></i><span>4 times "
         "even</span></p>"
         "<div class=\"charts\">\n" +
         charts.load_figures + "</div></section>\n";
}

std::string windows_section(const Charts& charts) {
  if (charts.window_figures.empty()) return "";
  return "<section id=\"windows\"><h2>Experts by window</h2><p>Each expert's share in each window of "
         "training: its "
         "mean weight "
         "in the router where that was the criterion, else its part of the routed tokens. Experts bear the "
         "numbers "
         "they had at "
         "the start; one that was dropped ends.</p><div class=\"charts\">\n" +
         charts.window_figures + "</div></section>\n";
}

/// The chart library and the page's script. uPlot draws for `devicePixelRatio`; it is given at least 2, so
/// that a page printed from a coarse screen is sharp.
std::string scripts(const Charts& charts) {
  std::string html =
      "<script type=\"application/json\" id=\"data\">" + script_json(charts.data) + "</script>\n";
  html += "<script>\nconst uPlot = (function (devicePixelRatio) {\n";
  html += kChartScript;
  html += "\nreturn uPlot;\n})(Math.max(2, window.devicePixelRatio));\n</script>\n<script>\n";
  html += kPageScript;
  return html + "</script>\n";
}

}  // namespace

std::string render_report(const std::vector<RunFolder>& runs, const std::string& more_sections) {
  if (runs.empty()) throw InternalError("a report of no runs");
  const std::string title = title_of(runs);
  const Charts charts = make_charts(runs);
  return page_begin(title) + headline_section(runs) + results_section(runs) + study_sections(runs) +
         curves_section(charts) + windows_section(charts) + load_section(charts) + timing_section(runs) +
         bench_section(runs) + options_section(runs) + machine_section(runs) + steps_section(runs) +
         more_sections + page_end(scripts(charts));
}

}  // namespace espalier
