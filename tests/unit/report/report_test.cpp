#include "report/report.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/json.h"
#include "report/html.h"
#include "report/quantities.h"
#include "unit/report/pruned_run.h"
#include "unit/report/synthetic_run.h"

namespace espalier {
namespace {

nlohmann::json page_data(const std::string& html) {
  const std::string open = "<script type=\"application/json\" id=\"data\">";
  const auto begin = html.find(open) + open.size();
  return parse_json(html.substr(begin, html.find("</script>", begin) - begin), "page data");
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += what.size()) ++found;
  return found;
}

TEST(Report, HasAFigureAndDataForEveryChart) {
  const std::string html = render_report({synthetic_run("mini-moe", 100)});
  const nlohmann::json data = page_data(html);
  EXPECT_EQ(data["runs"].size(), 1u);
  EXPECT_EQ(data["charts"].size(), 9u);
  EXPECT_EQ(data["maps"].size(), 2u);
  for (const auto& chart : data["charts"]) {
    EXPECT_EQ(count(html, "id=\"chart-" + chart["id"].get<std::string>() + "\""), 1u);
    for (const auto& line : chart["lines"]) {
      EXPECT_TRUE(data["runs"][line["run"].get<std::size_t>()]["curves"].contains(line["curve"])) << line;
    }
  }
  for (const auto& map : data["maps"])
    EXPECT_EQ(count(html, "id=\"" + map["id"].get<std::string>() + "\""), 1u);
}

TEST(Report, FetchesNothing) {
  const std::string html = render_report({synthetic_run("mini-moe", 30)});
  for (const char* fetch :
       {"<script src", "<img", "href=\"http", "href=\"//", "url(http", "url(//", "fetch("}) {
    EXPECT_EQ(html.find(fetch), std::string::npos) << fetch;
  }
  EXPECT_EQ(html.find("@import"), std::string::npos);
  EXPECT_NE(html.find("default-src 'none'"), std::string::npos);
}

TEST(Report, CarriesTheChartLibrarysLicence) {
  EXPECT_NE(render_report({synthetic_run("m", 3)}).find("Copyright (c) 2022 Leon Sorokin"),
            std::string::npos);
}

TEST(Report, SameArtifactsSameBytes) {
  EXPECT_EQ(render_report({synthetic_run("m", 30)}), render_report({synthetic_run("m", 30)}));
}

TEST(Report, EscapesWhatComesFromTheRun) {
  const std::string hostile = "</script><img src=x onerror=alert(1)>\"'&";
  const std::size_t scripts = count(render_report({synthetic_run("m", 30)}), "</script>");
  RunFolder run = synthetic_run(hostile, 30);
  run.manifest.verb = run.manifest.started_at = run.manifest.machine.cpu = hostile;
  run.manifest.message = hostile;
  run.manifest.command.push_back(hostile);
  run.manifest.options[hostile] = hostile;
  run.manifest.versions[hostile] = hostile;
  run.manifest.timings_seconds[hostile] = 1;
  run.eval->task = run.eval->split = hostile;
  run.eval->metrics[hostile] = 1;
  run.eval->baselines[hostile][hostile] = 1;
  const RunFolder pruned = pruned_run("p");
  run.scores = pruned.scores;
  run.plans = pruned.plans;
  run.plans[0].layers[1].reason[0] = hostile;
  run.bench = BenchResult{{BenchRow{.model = hostile}}};
  for (const auto& runs : {std::vector{run}, std::vector{run, run}}) {
    const std::string html = render_report(runs);
    EXPECT_EQ(count(html, "</script>"), scripts);
    EXPECT_EQ(html.find("<img"), std::string::npos);
  }
}

TEST(Report, LongLogsAreThinnedButKeepTheirPeaks) {
  RunFolder run = synthetic_run("long", 20'000);
  run.metrics[12'345].grad_norm = 987;
  const std::string html = render_report({run});
  const nlohmann::json norms = page_data(html)["runs"][0]["curves"]["grad_norm"];
  EXPECT_LT(norms.size(), 5000u);
  EXPECT_NE(std::find(norms.begin(), norms.end(), nlohmann::json(987)), norms.end());
  EXPECT_LT(html.size(), 2'000'000u);
}

TEST(Report, MarksTheLowestValidationLossAndTheOptionsThatDiffer) {
  RunFolder moe = synthetic_run("moe", 100);
  RunFolder dense = synthetic_run("dense", 100, {});
  dense.manifest.options["lr"] = 2e-3;
  const std::string html = render_report({moe, dense});
  EXPECT_EQ(count(html, "class=\"best\""), 1u);
  EXPECT_NE(html.find("<tr class=\"differs\"><th scope=\"row\">lr</th><td>0.001</td><td>0.002</td>"),
            std::string::npos);
  EXPECT_NE(html.find("<tr><th scope=\"row\">batch</th><td>32</td><td>32</td>"), std::string::npos);
}

TEST(Report, ShowsExpertsLeftOnlyWhereSomeWerePruned) {
  RunFolder run = synthetic_run("m", 30);
  EXPECT_EQ(render_report({run}).find("id=\"chart-survivors\""), std::string::npos);
  run.metrics.back().survivors[1] = 4;
  EXPECT_NE(render_report({run}).find("id=\"chart-survivors\""), std::string::npos);
}

TEST(Report, DrawsTheSharesOfARunThatPrunes) {
  const std::string html = render_report({synthetic_run("moe", 30), pruned_run("eager")});
  const nlohmann::json windows = page_data(html)["windows"];
  ASSERT_EQ(windows.size(), 2u);
  EXPECT_EQ(windows[1]["id"], "windows-1-3");
  EXPECT_EQ(count(html, "id=\"windows-1-3\""), 1u);
  EXPECT_EQ(windows[1]["experts"], nlohmann::json({0, 1, 2, 3}));
  EXPECT_EQ(windows[1]["shares"][1], nlohmann::json({nullptr, 0.6, 0.38, 0.02}));
  EXPECT_EQ(windows[1]["dropped"], nlohmann::json({0, nullptr, 1, 1}));
  EXPECT_EQ(windows[1]["titles"][1], "window 2 (steps 11 to 20)");
  EXPECT_EQ(count(html, "window 1 (steps 1 to 10): alpha 0.02 &lt; 0.025 (0.1 / 4)"), 1u);
  EXPECT_EQ(count(html, "1 of 4 experts left after 3 windows"), 4u);  // of two layers, read and spoken
  EXPECT_EQ(count(html, "id=\"chart-survivors\""), 1u);
}

TEST(Report, WithoutPruningHasNoSharesByWindow) {
  for (const RunFolder& run : {synthetic_run("moe", 30), synthetic_run("dense", 30, {})}) {
    const std::string html = render_report({run});
    EXPECT_EQ(html.find("id=\"windows\""), std::string::npos);
    EXPECT_TRUE(page_data(html)["windows"].empty());
  }
}

TEST(Report, NumbersThatAreNotFiniteAreLeftOut) {
  RunFolder run = synthetic_run("diverged", 30);
  run.metrics.back().loss = NAN;
  run.metrics.back().mlm_loss = NAN;
  run.metrics[3].grad_norm = INFINITY;
  run.eval->metrics["loss"] = NAN;
  const std::string html = render_report({run});
  EXPECT_TRUE(page_data(html)["runs"][0]["curves"]["loss"].back().is_null());
  EXPECT_EQ(html.find(">nan<"), std::string::npos);
  EXPECT_EQ(html.find(">inf<"), std::string::npos);
}

TEST(Report, OfNoRunsIsOurFault) {
  EXPECT_THROW(render_report({}), InternalError);
}

TEST(Html, Escapes) {
  EXPECT_EQ(escape_html("<a href=\"x\">'&"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;");
  EXPECT_EQ(script_json({{"k", "</script><!--&"}}), R"({"k":"\u003c/script\u003e\u003c!--\u0026"})");
  EXPECT_EQ(parse_json(script_json({{"k", "</script>"}}), "s")["k"], "</script>");
  EXPECT_EQ(script_json("\xe2\x80\xa8"), "\"\\u2028\"");
}

TEST(Quantities, ReadAsPeopleWriteThem) {
  EXPECT_EQ(human_count(950), "950");
  EXPECT_EQ(human_count(12'345), "12.3 k");
  EXPECT_EQ(human_count(999'900), "1.00 M");
  EXPECT_EQ(human_bytes(512e6), "512 MB");
  EXPECT_EQ(human_bytes(1.25e9), "1.25 GB");
  EXPECT_EQ(human_duration(4.25), "4.2 s");
  EXPECT_EQ(human_duration(59.99), "1 min 00 s");
  EXPECT_EQ(human_duration(7500), "2 h 05 min");
  EXPECT_EQ(human_percent(0.125), "12.5%");
  EXPECT_EQ(human_number(0.0005), "0.0005");
  EXPECT_EQ(human_number(std::nan("")), "\u2013");
  EXPECT_EQ(human_count(INFINITY), "\u2013");
}

}  // namespace
}  // namespace espalier
