#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/run_program.h"

namespace espalier {
namespace {

using testing::HasSubstr;

const std::string kPlan = R"({"format": "espalier.plan/1",
  "provenance": {"criterion": "reap", "schedule": "one_shot", "seed": 1}, "router": "reroute", "experts_per_token": 1,
  "layers": [{"layer": 3, "num_experts_before": 2, "keep": [1], "reason": {"0": "reap 0.004, rank 2 of 2"}}]})";

TEST(ExplainVerb, TextJsonAndPage) {
  const TemporaryFolder folder;
  const std::string plan = folder.write("plan.json", kPlan), page = (folder / "plan.html").string();
  const ProgramRun text = run_program({"explain", plan, "--html", page});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_THAT(text.out, HasSubstr("plan.json: one_shot by reap"));
  EXPECT_THAT(text.out, HasSubstr("dropped   reap 0.004, rank 2 of 2\n"));
  EXPECT_THAT(file_content(page), HasSubstr("<h1>"));
  const ProgramRun json = run_program({"explain", plan, "--json"});
  EXPECT_EQ(nlohmann::json::parse(json.out).at("experts_after"), 1);
}

TEST(ExplainVerb, BadInputIsAUserError) {
  const TemporaryFolder folder;
  const std::string plan = folder.write("plan.json", kPlan);
  const std::string scores =
      folder.write("scores.json", R"({"format": "espalier.scores/1", "criterion": "reap",
                                                             "layers": [{"layer": 3, "scores": [1, 2, 3]}]})");
  const ProgramRun unfit = run_program({"explain", plan, "--scores", scores});
  EXPECT_EQ(unfit.exit_code, 2);
  EXPECT_THAT(unfit.err, HasSubstr("the plan is for 2 experts, the scores are of 3"));
  EXPECT_EQ(run_program({"explain", scores}).exit_code, 2);
  EXPECT_EQ(run_program({"explain", "/nonexistent"}).exit_code, 2);
}

}  // namespace
}  // namespace espalier
