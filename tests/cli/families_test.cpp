// Every golden family through the verbs that work on files, from scores of its weights.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/run_program.h"

namespace espalier {
namespace {

using ::testing::HasSubstr;

std::filesystem::path goldens() {
  return std::filesystem::path(source_dir()) / "tests/golden/families";
}

ProgramRun expect_success(const std::vector<std::string>& command) {
  ProgramRun run = run_program(command);
  EXPECT_EQ(run.exit_code, 0) << command.front() << ": " << run.err;
  return run;
}

/// inspect, score, plan, check, apply, verify.
void expect_pruned_from_scores(const std::filesystem::path& model) {
  const TemporaryFolder work;
  const std::string scores = work / "scores.json", plan = work / "plan.json", out = work / "out";
  const auto inspected = nlohmann::json::parse(expect_success({"inspect", model, "--json"}).out);
  const int groups = inspected.at("groups"), top = inspected.at("top_groups");
  const int k = inspected.at("experts_per_token");
  const int keep = std::max(groups, (k + top - 1) / top * groups);
  expect_success({"score", model, "--criterion", "magnitude", "--out", scores});
  expect_success({"plan", scores, "--keep", std::to_string(keep), "--out", plan});
  EXPECT_THAT(expect_success({"check", plan, model, "--engine", "transformers"}).out,
              HasSubstr("transformers         takes " + std::to_string(keep) + " experts"));
  expect_success({"apply", model, plan, "--out", out});
  EXPECT_THAT(expect_success({"verify", model, out, "--plan", plan}).out, HasSubstr("bytes identical"));
  const auto after = nlohmann::json::parse(expect_success({"inspect", out, "--json"}).out);
  for (const auto& layer : after.at("moe_layers")) EXPECT_EQ(layer.at("num_experts"), keep);
}

TEST(FamiliesOnFiles, FromScoresOfTheirWeights) {
  int found = 0;
  for (const auto& entry : std::filesystem::directory_iterator(goldens())) {
    if (!std::filesystem::exists(entry.path() / "pruned.json")) continue;
    SCOPED_TRACE(entry.path().filename());
    expect_pruned_from_scores(entry.path());
    ++found;
  }
  EXPECT_GE(found, 64);
}

/// DeepSeek-V4's first layers take experts by token.
TEST(FamiliesOnFiles, ALayerThatLooksExpertsUpIsSkipped) {
  const TemporaryFolder work;
  const std::string model = goldens() / "deepseek_v4-hash";
  const std::string scores = work / "scores.json", plan = work / "plan.json", out = work / "out";
  expect_success({"score", model, "--criterion", "magnitude", "--out", scores});
  expect_success({"plan", scores, "--keep", "4", "--out", plan});
  const ProgramRun refused = run_program({"check", plan, model});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("layer 0: its experts are looked up by token"));
  std::filesystem::remove(plan);
  expect_success({"plan", scores, "--keep", "4", "--skip-layers", "0", "--out", plan});
  expect_success({"apply", model, plan, "--out", out, "--allow-unequal"});
  expect_success({"verify", model, out, "--plan", plan});
  const auto after = nlohmann::json::parse(expect_success({"inspect", out, "--json"}).out);
  EXPECT_EQ(after.at("moe_layers").at(0).at("num_experts"), 8);
  EXPECT_EQ(after.at("moe_layers").at(1).at("num_experts"), 4);
}

/// Verbs that run a model say what the family takes.
TEST(FamiliesOnFiles, ThoseThatDoNotRunAreRefusedByName) {
  const ProgramRun run = run_program(
      {"logits", goldens() / "jetmoe", "--tokens", goldens() / "jetmoe/tokens.json", "--out", "/dev/null"});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("jetmoe models are inspected and pruned, but not run"));
}

}  // namespace
}  // namespace espalier
