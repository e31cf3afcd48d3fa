#include "report/report.h"

#include "base/error.h"
#include "report/assets.h"
#include "report/charts.h"
#include "report/html.h"
#include "report/tables.h"

namespace espalier {
namespace {

// Collected before anything else can fail, where a test of the page can read them.
constexpr const char* kErrorCollector = R"(<script>
(function () {
  const page = document.documentElement;
  page.dataset.errors = "0";
  page.dataset.errorText = "";
  const note = (text) => { page.dataset.errors = String(+page.dataset.errors + 1); page.dataset.errorText += text + "\n"; };
  addEventListener("error", (event) => note(String(event.message)));
  addEventListener("unhandledrejection", (event) => note(String(event.reason)));
  const log = console.error.bind(console);
  console.error = (...args) => { note(args.join(" ")); log(...args); };
})();
</script>
)";

// A tree trained flat against a wall, with a branch cut back.
constexpr const char* kLogo =
    R"(<svg class="logo" viewBox="0 0 48 48" aria-hidden="true"><path d="M24 46V6M24 38H5V26M24 38h19V26M24 25H10V14M24 )"
    R"(25h14M24 13h-8V6M24 13h8V6"/><circle cx="5" cy="23" r="3"/><circle cx="43" cy="23" r="3"/><circle cx="10" cy="11" )"
    R"(r="3"/><circle cx="16" cy="4" r="3"/><circle cx="32" cy="4" r="3"/><circle class="cut" cx="39.5" cy="25" r="1.6"/></svg>)";

std::string title_of(const std::vector<RunFolder>& runs) {
  if (runs.size() == 1) return runs.front().name;
  std::string title;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    title += (i == 0 ? "" : i + 1 == runs.size() ? " and " : ", ") + runs[i].name;
  }
  return title;
}

std::string head(const std::string& title) {
  std::string html = "<!doctype html>\n<!-- Charts by uPlot:\n\n";
  html += kChartLicence;
  html += "-->\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  html += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  // The page fetches nothing; the browser holds it to that.
  html +=
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
      "script-src 'unsafe-inline'; img-src data:\">\n";
  html += "<meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n";
  html += "<title>" + escape_html(title) + " \u00b7 Espalier</title>\n";
  html += "<style>\n" + std::string(kChartStyle) + "\n" + std::string(kPageStyle) + "</style>\n";
  return html + kErrorCollector + "</head>\n";
}

std::string header(const std::string& title) {
  return "<body>\n<header>" + std::string(kLogo) + "<div><p class=\"product\">Espalier</p><h1>" +
         escape_html(title) + "</h1></div></header>\n<main>\n";
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

std::string render_report(const std::vector<RunFolder>& runs) {
  if (runs.empty()) throw InternalError("a report of no runs");
  const std::string title = title_of(runs);
  const Charts charts = make_charts(runs);
  return head(title) + header(title) + headline_section(runs) + results_section(runs) +
         curves_section(charts) + windows_section(charts) + load_section(charts) + timing_section(runs) +
         bench_section(runs) + options_section(runs) + machine_section(runs) + steps_section(runs) +
         "</main>\n" + scripts(charts) + "</body>\n</html>\n";
}

}  // namespace espalier
