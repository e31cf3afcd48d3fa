#include "report/page_shell.h"

#include "report/assets.h"
#include "report/html.h"

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

}  // namespace

std::string page_begin(const std::string& title) {
  return head(title) + header(title);
}

std::string page_end(const std::string& scripts) {
  return "</main>\n" + scripts + "</body>\n</html>\n";
}

}  // namespace espalier
