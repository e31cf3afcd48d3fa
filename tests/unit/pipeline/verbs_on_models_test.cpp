// The verbs that run models, as functions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "paths.h"
#include "pipeline/verbs/generate.h"
#include "pipeline/verbs/observe.h"
#include "pipeline/verbs/prune.h"
#include "temporary_folder.h"

namespace espalier::pipeline {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::filesystem::path kGolden = source_dir() + "/tests/golden/qwen3-moe";

class VerbsOnModels : public ::testing::Test {
 protected:
  VerbsOnModels() {
    context_.part = [this](std::string_view text) { said_ += text; };
  }
  PruneOptions options() const {
    PruneOptions options;
    options.model = kGolden;
    options.criterion = "reap";
    options.observe.data = {kGolden / "tokens.json"};
    options.observe.calibration.rows = CalibrationRows::kDocuments;
    options.plan.keep = "0.5";
    options.out = folder_ / "run";
    return options;
  }

  TemporaryFolder folder_;
  RunContext context_;
  std::string said_;
};

TEST_F(VerbsOnModels, PruneCallsTheOthersAndSaysHow) {
  const PruneSummary summary = prune(options(), context_);
  ASSERT_TRUE(summary.observe && summary.score && summary.plan && summary.apply && summary.verify);
  EXPECT_EQ(summary.plan->counts.experts_after * 2, summary.plan->counts.experts_before);
  EXPECT_GT(summary.observe->tokens, 0);
  for (const char* file : {"observations.safetensors", "scores.json", "plan.json", "model", "report.html"})
    EXPECT_TRUE(std::filesystem::exists(options().out / file)) << file;
  EXPECT_THAT(said_, HasSubstr("$ espalier observe " + kGolden.string() + " --data "));
  EXPECT_THAT(said_, HasSubstr("$ espalier plan "));
  const auto json = to_json(summary);
  EXPECT_TRUE(json.at("verify").at("identical").get<bool>());
  EXPECT_EQ(json.at("score").at("format"), "espalier.scoring/1");
}

TEST_F(VerbsOnModels, PruneGoesOnWithWhatIsThere) {
  prune(options(), context_);
  said_.clear();
  PruneOptions again = options();
  again.resume = true;
  const PruneSummary summary = prune(again, context_);
  EXPECT_FALSE(summary.observe);
  EXPECT_TRUE(summary.verify) << "is always done";
  EXPECT_THAT(said_, HasSubstr("plan.json is there"));
  EXPECT_THAT(said_, Not(HasSubstr("$ espalier observe")));
  again.plan.keep = "1.0";
  EXPECT_THROW(prune(again, context_), UserError) << "that run had other options";
}

TEST_F(VerbsOnModels, PruneRefusesBeforeItStarts) {
  PruneOptions bad = options();
  bad.observe.data.clear();
  EXPECT_THROW(prune(bad, context_), UserError);
  EXPECT_FALSE(std::filesystem::exists(bad.out));
}

TEST_F(VerbsOnModels, GenerateTellsTheTextAsItGrows) {
  const GenerateSummary summary =
      generate({.model = kGolden, .prompt_ids = {1, 2}, .count = 3, .ignore_stop = true}, context_);
  ASSERT_EQ(summary.tokens.size(), 3U);
  std::string told;
  for (const std::int32_t id : summary.tokens) told += std::to_string(id) + " ";
  EXPECT_EQ(said_, told);
  EXPECT_EQ(to_json(summary).at("tokens"), summary.tokens);
  EXPECT_THROW(generate({.model = kGolden}, context_), UserError) << "no prompt";
}

TEST_F(VerbsOnModels, ObserveRefusesOptionsThatDoNotGoTogether) {
  ObserveOptions options;
  options.out = folder_ / "obs.safetensors";
  EXPECT_THROW(observe(options, context_), UserError) << "no model";
  options.model = kGolden;
  EXPECT_THROW(observe(options, context_), UserError) << "no data";
  options.similarity = {"weights"};
  options.data = {kGolden / "tokens.json"};
  EXPECT_THROW(observe(options, context_), UserError) << "weights need no data";
}

}  // namespace
}  // namespace espalier::pipeline
