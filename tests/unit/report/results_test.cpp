#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "report/results_table.h"
#include "report/tables.h"
#include "unit/report/pruned_run.h"
#include "unit/report/synthetic_run.h"

namespace espalier {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Results, HaveARowForEachRunAndBaseline) {
  const std::string html = results_section({pruned_run("eager-1")});
  EXPECT_THAT(html, HasSubstr("<th scope=\"col\">examples</th><th scope=\"col\">accuracy</th>"));
  EXPECT_THAT(html,
              HasSubstr("eager-1</span></th><td>eager</td><td>sst2</td><td>dev</td><td>872</td><td>0.81</td>"
                        "<td>3.90 M</td><td>24.1 k<span class=\"note\">batch 32 of 128</span></td>"
                        "<td>512 MB</td></tr>"));
  EXPECT_THAT(html, HasSubstr("largest_class</th><td>baseline</td><td>sst2</td><td>dev</td><td>872</td>"
                              "<td>0.5092</td>"));
  EXPECT_LT(html.find("eager-1"), html.find("largest_class"));
  EXPECT_LT(html.find("largest_class"), html.find("naive_bayes"));
}

TEST(Results, NameABaselineOfSeveralRunsOnce) {
  RunFolder first = pruned_run("a"), second = pruned_run("b");
  second.eval->baselines["naive_bayes"]["accuracy"] = 0.75;  // other words: another number
  const std::string html = results_section({first, second});
  EXPECT_EQ(html.find("largest_class"), html.rfind("largest_class"));
  EXPECT_NE(html.find("naive_bayes"), html.rfind("naive_bayes"));
}

TEST(Results, LeaveOpenWhatWasNotMeasured) {
  RunFolder run = synthetic_run("m", 10);
  run.manifest.parameters.reset();
  RunFolder without = run;
  without.eval.reset();
  const std::string html = results_section({run, without});
  EXPECT_THAT(html, HasSubstr("<td>moe</td><td>\u2013</td><td>\u2013</td><td>\u2013</td><td>\u2013</td>"));
  EXPECT_THAT(html, HasSubstr("<td>\u2013</td><td>\u2013</td><td>\u2013</td></tr>"));
  EXPECT_EQ(results_section({without}), "");
}

TEST(Results, TellTheSettingFromTheOptions) {
  const struct {
    const char* options;
    const char* setting;
  } cases[] = {{R"({})", "dense"},
               {R"({"prune":"none"})", "dense"},
               {R"({"prune":"none","moe_layers":[1]})", "moe"},
               {R"({"config":{"moe_layers":[1,3]}})", "moe"},
               {R"({"config":{"moe_layers":[]}})", "dense"},
               {R"({"moe":{"layers":[1]}})", "moe"},
               {R"({"prune":"staged","config":{"moe_layers":[1]}})", "staged"},
               {R"({"prune":{"schedule":"two_pass_eager"}})", "two_pass_eager"},
               {R"({"prune":7,"moe":3,"config":null})", "dense"},
               {R"({"prune":"<b>"})", "&lt;b&gt;"}};
  for (const auto& [options, setting] : cases) {
    RunFolder run = pruned_run("r");
    run.metrics.clear();
    run.manifest.options = nlohmann::json::parse(options);
    EXPECT_THAT(results_section({run}), HasSubstr("<td>" + std::string(setting) + "</td>")) << options;
  }
  EXPECT_THAT(results_section({synthetic_run("m", 10)}), HasSubstr("<td>moe</td>"));
  EXPECT_THAT(results_section({synthetic_run("d", 10, {})}), HasSubstr("<td>dense</td>"));
}

TEST(Results, DoNotClaimBaselinesThatWereNotMeasured) {
  EXPECT_THAT(results_section({synthetic_run("m", 10)}), Not(HasSubstr("baseline")));
}

TEST(Results, TextHasAlignedColumnsAndTheBaselines) {
  const std::string text = results_text(results_table({pruned_run("eager-1"), synthetic_run("without", 10)}));
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  ASSERT_GE(lines.size(), 3u);
  const auto setting = lines[0].find("setting");
  ASSERT_NE(setting, std::string::npos);
  EXPECT_EQ(lines[1].find("eager"), 0u);
  EXPECT_EQ(lines[1].substr(setting, 5), "eager");
  EXPECT_THAT(text, HasSubstr("baseline"));
}

}  // namespace
}  // namespace espalier
