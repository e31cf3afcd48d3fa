// The verbs on files as functions: from weights to scores, a plan, a smaller model, and its proof.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "artifacts/plan.h"
#include "base/error.h"
#include "paths.h"
#include "pipeline/verbs/apply.h"
#include "pipeline/verbs/check.h"
#include "pipeline/verbs/explain.h"
#include "pipeline/verbs/inspect.h"
#include "pipeline/verbs/plan.h"
#include "pipeline/verbs/report.h"
#include "pipeline/verbs/score.h"
#include "pipeline/verbs/verify.h"
#include "pipeline/verbs/version.h"
#include "small_observations.h"
#include "temporary_folder.h"

namespace espalier::pipeline {
namespace {

using ::testing::HasSubstr;

const std::filesystem::path kModel = source_dir() + "/tests/golden/mixtral-sharded";

class VerbsOnFiles : public ::testing::Test {
 protected:
  PlanOptions scored(std::string keep) {
    const ScoreSummary made =
        score({.input = kModel, .criterion = "router_norm", .out = folder_ / "scores.json"}, context_);
    PlanOptions options;
    options.scores = made.scores;
    options.keep = std::move(keep);
    options.out = folder_ / "plan.json";
    return options;
  }

  TemporaryFolder folder_;
  RunContext context_;
  std::vector<std::string> notes_;
};

TEST_F(VerbsOnFiles, PruneAModelStepByStep) {
  const PlanningSummary planned = plan(scored("4"), context_);
  EXPECT_EQ(planned.counts.fewest_kept, 4);
  EXPECT_EQ(to_json(planned).at("experts_after"), 4 * planned.counts.layers);
  const CheckSummary fits = check({.plan = planned.plan, .model = kModel}, context_);
  EXPECT_LT(fits.result.parameters_after, fits.result.parameters_before);
  const ApplySummary made =
      apply({.model = kModel, .plan = planned.plan, .out = folder_ / "model"}, context_);
  EXPECT_EQ(made.result.parameters_after, fits.result.parameters_after);
  const VerifySummary proved = verify({.model = kModel, .result = made.out, .plan = planned.plan}, context_);
  EXPECT_GT(proved.compared.bytes, 0U);
  EXPECT_EQ(inspect({.model = made.out}, context_).model->parameters, made.result.parameters_after);
  EXPECT_EQ(explain({.plan = planned.plan}, context_).explanation.layers.front().kept, 4);
}

TEST_F(VerbsOnFiles, SayTheSameAsJsonAndAsText) {
  const ScoreSummary made =
      score({.input = kModel, .criterion = "magnitude", .out = folder_ / "s.json"}, context_);
  EXPECT_EQ(to_json(made).at("format"), "espalier.scoring/1");
  EXPECT_THAT(to_text(made), HasSubstr("magnitude of "));
  context_.libraries = {{"torch", "1.13.0"}};
  EXPECT_EQ(to_json(version({}, context_)).at("tensor_libraries"), "torch 1.13.0");
  EXPECT_THAT(to_text(version({}, {})), HasSubstr("tensor libraries: none"));
}

TEST_F(VerbsOnFiles, NotesGoToTheSink) {
  context_.note = [this](std::string_view note) { notes_.emplace_back(note); };
  score({.input = kModel, .criterion = "router_norm_change", .out = folder_ / "s.json"}, context_);
  ASSERT_EQ(notes_.size(), 1U);
  EXPECT_THAT(notes_[0], HasSubstr("without --reference there is no change"));
}

TEST_F(VerbsOnFiles, ADryRunWritesNothing) {
  const PlanningSummary planned = plan(scored("4"), context_);
  const ApplySummary would =
      apply({.model = kModel, .plan = planned.plan, .out = folder_ / "model", .dry_run = true}, context_);
  EXPECT_GT(would.result.files.size(), 0U);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "model"));
}

TEST_F(VerbsOnFiles, OptionsThatDoNotGoTogetherAreErrors) {
  PlanOptions options = scored("4");
  options.keep_bytes = 1000;
  EXPECT_THROW(plan(options, context_), UserError);
  options.keep_bytes.reset();
  options.action = "merge";
  EXPECT_THROW(plan(options, context_), UserError) << "needs observations";
  options.action_options.criterion = "reap";
  EXPECT_THROW(plan(options, context_), UserError) << "merge has no criterion";
  EXPECT_FALSE(std::filesystem::exists(options.out));
}

TEST_F(VerbsOnFiles, ReportAPageOfObservations) {
  const std::filesystem::path file = folder_ / "obs.safetensors";
  write_observations(file, espalier::fixtures::small_observations());
  const ReportSummary made = report({.runs = {file}, .out = folder_ / "report.html"}, context_);
  EXPECT_TRUE(made.only_observations);
  EXPECT_EQ(std::filesystem::file_size(made.report), made.bytes);
}

}  // namespace
}  // namespace espalier::pipeline
