// Opens reports in headless Chromium: no script errors, nothing logged to the console, every chart drawn.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <regex>
#include <string>

#include "base/files.h"
#include "prune/explain.h"
#include "report/observations_page.h"
#include "report/report.h"
#include "small_observations.h"
#include "temporary_folder.h"
#include "unit/report/pruned_run.h"
#include "unit/report/synthetic_run.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

std::string output_of(const std::string& command) {
  std::string output;
  FILE* pipe = popen(command.c_str(), "r");
  if (!pipe) return output;
  std::array<char, 4096> buffer;
  while (const std::size_t got = fread(buffer.data(), 1, buffer.size(), pipe))
    output.append(buffer.data(), got);
  pclose(pipe);
  return output;
}

std::string chromium() {
  return output_of("command -v chromium || command -v chromium-browser || command -v google-chrome")
      .substr(0, 200);
}

/// A page after its scripts have run.
struct OpenedPage {
  std::string dom;
  std::string console;  ///< lines that Chromium's log attributes to the page

  std::string attribute(const std::string& name) const {
    std::smatch found;
    return std::regex_search(dom, found, std::regex(name + "=\"([^\"]*)\"")) ? found[1].str() : "absent";
  }
  /// Coloured pixels of each chart, in the page's order.
  std::vector<long> coloured_pixels() const {
    std::vector<long> counts;
    const std::regex pattern("data-coloured-pixels=\"(\\d+)\"");
    for (std::sregex_iterator found(dom.begin(), dom.end(), pattern), end; found != end; ++found) {
      counts.push_back(std::stol((*found)[1]));
    }
    return counts;
  }
};

class ReportInBrowser : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string found = chromium();
    if (found.empty()) GTEST_SKIP() << "no Chromium on this machine: apt-get install chromium";
    browser_ = found.substr(0, found.find('\n'));
  }

  OpenedPage open(const std::string& html) {
    write_file(folder_ / "report.html", html);
    const std::string flags =
        " --headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
        " --disable-component-update --disable-sync --disable-dev-shm-usage --enable-logging=stderr --v=0"
        " --window-size=1200,900 --virtual-time-budget=5000 --dump-dom";
    const std::string log = (folder_ / "log").string();
    OpenedPage page;
    page.dom =
        output_of("timeout 120 " + browser_ + flags + " --user-data-dir=" + (folder_ / "profile").string() +
                  " 'file://" + (folder_ / "report.html").string() + "#check' 2>" + log);
    const std::string lines = read_file(log);
    for (std::size_t begin = 0, end; begin < lines.size(); begin = end + 1) {
      end = std::min(lines.find('\n', begin), lines.size());
      const std::string line = lines.substr(begin, end - begin);
      if (line.find("CONSOLE") != std::string::npos) page.console += line + "\n";
    }
    return page;
  }

 private:
  std::string browser_;
  TemporaryFolder folder_;
};

// A chart's curve crosses its plot at least once; at twice the screen's resolution that is thousands of
// pixels. An empty plot has none.
constexpr long kLeastPixels = 500;

void expect_drawn(const OpenedPage& page, std::size_t charts) {
  EXPECT_EQ(page.attribute("data-checked"), "yes") << page.dom.substr(0, 300);
  EXPECT_EQ(page.attribute("data-errors"), "0") << page.attribute("data-error-text");
  EXPECT_EQ(page.console, "");
  const std::vector<long> pixels = page.coloured_pixels();
  EXPECT_EQ(pixels.size(), charts);
  for (std::size_t i = 0; i < pixels.size(); ++i) EXPECT_GT(pixels[i], kLeastPixels) << "chart " << i;
}

TEST_F(ReportInBrowser, OneRun) {
  // Loss, its second half, speed, learning rate, gradient norm, balance loss, experts in use, memory, time;
  // and the load of two layers.
  expect_drawn(open(render_report({synthetic_run("mini-moe", 2500)})), 9 + 2);
}

TEST_F(ReportInBrowser, RunsOfDifferentKindsSideBySide) {
  expect_drawn(open(render_report({synthetic_run("mini-moe", 300), synthetic_run("mini-dense", 200, {}),
                                   synthetic_run("wide", 50, {3}, 32)})),
               9 + 3);
}

TEST_F(ReportInBrowser, ARunThatPrunes) {
  // Loss, its second half, speed, learning rate, gradient norm, experts in use, experts left, memory, time;
  // the shares by window and the load of two layers.
  const OpenedPage page = open(render_report({pruned_run("eager")}));
  expect_drawn(page, 9 + 2 + 2);
  EXPECT_NE(page.dom.find("<span data-expert=\"3\" style=\"--expert"), std::string::npos);
}

TEST_F(ReportInBrowser, RunsThatPruneBesideOthers) {
  const OpenedPage page =
      open(render_report({pruned_run("eager"), pruned_run("again"), synthetic_run("mini-moe", 300)}));
  expect_drawn(page, 10 + 4 + 6);
}

TEST_F(ReportInBrowser, NamesThatLookLikeMarkup) {
  RunFolder run = synthetic_run("</script><script>throw 1</script><!--", 30);
  run.manifest.options["<img src=x onerror=alert(1)>"] = "]]></script>";
  run.manifest.message = "\"><script>console.error('in')</script>";
  const OpenedPage page = open(render_report({run, run}));
  expect_drawn(page, 9 + 4);
  EXPECT_EQ(page.dom.find("<img"), std::string::npos);
}

TEST_F(ReportInBrowser, ARunWithoutSteps) {
  RunFolder run = synthetic_run("just started", 30);
  run.metrics.clear();
  expect_drawn(open(render_report({run})), 0);
}

TEST_F(ReportInBrowser, ARunOfOneStep) {
  const OpenedPage page = open(render_report({synthetic_run("one step", 1)}));
  EXPECT_EQ(page.attribute("data-checked"), "yes");
  EXPECT_EQ(page.attribute("data-errors"), "0") << page.attribute("data-error-text");
  EXPECT_EQ(page.console, "");
}

/// What a script at the page's end finds as the background of the first element that `selector` names.
std::string background_of(const std::string& selector) {
  return "<script>document.documentElement.dataset.found = getComputedStyle(document.querySelector('" +
         selector + "')).backgroundColor;</script></body>";
}

TEST_F(ReportInBrowser, ObservationsWithAPlan) {
  Observations observations = fixtures::small_observations();
  observations.examples[0].before = "</td><script>throw 1</script>";
  observations.token_text[17] = "<img src=x onerror=alert(1)>";
  observations.layers[0].routed[3] = 0;  // its cell is as far from an even share as can be
  Plan plan;
  plan.layers = {{.layer = 1, .num_experts_before = 4, .keep = {0, 1}}};
  const std::string html = render_observations(observations, &plan, "small");
  const auto open_with = [&](const std::string& selector) {
    std::string page = html;
    return open(page.replace(page.rfind("</body>"), 7, background_of(selector)));
  };
  const OpenedPage idle = open_with(".cells tbody tr:first-child td:nth-child(5)");
  EXPECT_EQ(idle.attribute("data-errors"), "0") << idle.attribute("data-error-text");
  EXPECT_EQ(idle.console, "");
  EXPECT_EQ(idle.dom.find("<img"), std::string::npos);
  EXPECT_NE(idle.dom.find("id=\"lost\""), std::string::npos);
  EXPECT_NE(idle.attribute("data-found"), "absent");
  EXPECT_NE(idle.attribute("data-found"),
            open_with(".cells tbody tr:last-child td:nth-child(2)").attribute("data-found"));
}

TEST_F(ReportInBrowser, APlanExplained) {
  Plan plan;
  plan.provenance = {"reap", "one_shot", 0, {}, {}, {}};
  plan.layers = {
      {.layer = 1, .num_experts_before = 4, .keep = {0, 1}, .reason = {{2, "reap 0.1, rank 3 of 4"}}}};
  const OpenedPage page = open(to_html(explain(plan, nullptr), "plan.json"));
  EXPECT_EQ(page.attribute("data-errors"), "0") << page.attribute("data-error-text");
  EXPECT_EQ(page.console, "");
  EXPECT_NE(page.dom.find("reap 0.1, rank 3 of 4"), std::string::npos);
}

TEST_F(ReportInBrowser, TheCheckSeesABrokenPage) {
  std::string html = render_report({synthetic_run("mini-moe", 30)});
  const std::string curve = "\"lr\":[";
  html.replace(html.find(curve), curve.size(), "\"rl\":[");
  const OpenedPage page = open(html);
  EXPECT_NE(page.attribute("data-errors"), "0");
  EXPECT_NE(page.console, "");
  EXPECT_NE(page.attribute("data-checked"), "yes");
}

}  // namespace
}  // namespace espalier
