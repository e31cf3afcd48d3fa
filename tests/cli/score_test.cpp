#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "artifacts/scores.h"
#include "cli/run_program.h"
#include "paths.h"
#include "small_observations.h"

namespace espalier {
namespace {

using ::testing::HasSubstr;

const std::string kModel = source_dir() + "/tests/golden/mixtral-sharded";

TEST(ScoreVerb, ObservationsToScores) {
  const TemporaryFolder folder;
  Observations observations = fixtures::small_observations();
  observations.layers[1].routed[2] = 0;
  write_observations(folder / "o.safetensors", observations);
  const std::string out = (folder / "scores.json").string();
  const ProgramRun run =
      run_program({"score", (folder / "o.safetensors").string(), "--criterion", "frequency", "--out", out});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("frequency of 8 experts in 2 layers\n"));
  EXPECT_THAT(run.out, HasSubstr("never routed (layer:expert): 3:2\n"));
  EXPECT_EQ(read_scores(out).layers[0].scores, observations.layers[0].routed);

  const ProgramRun guarded = run_program({"score", (folder / "o.safetensors").string(), "--criterion", "reap",
                                          "--min-tokens", "1", "--out", out, "--json"});
  EXPECT_EQ(guarded.exit_code, 0) << guarded.err;
  EXPECT_EQ(nlohmann::json::parse(guarded.out).at("seen_too_rarely"), (std::vector<std::string>{"3:2"}));
  EXPECT_EQ(read_scores(out).min_tokens, 1);
}

TEST(ScoreVerb, AModelToScores) {
  const TemporaryFolder folder;
  const std::string out = (folder / "scores.json").string();
  const ProgramRun run = run_program({"score", kModel, "--criterion", "router_norm_change", "--out", out});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("router_norm of 16 experts in 2 layers\n"));
  EXPECT_THAT(run.err, HasSubstr("without --reference"));
  EXPECT_EQ(read_scores(out).criterion, "router_norm");
  const ProgramRun both = run_program(
      {"score", kModel, "--criterion", "router_norm_change", "--reference", kModel, "--out", out});
  EXPECT_EQ(both.exit_code, 0) << both.err;
  EXPECT_EQ(read_scores(out).layers[1].scores, std::vector<double>(8, 0.0));
}

TEST(ScoreVerb, BadInputIsAUserError) {
  const TemporaryFolder folder;
  const std::string out = (folder / "scores.json").string();
  const auto expect_error = [&](std::vector<std::string> arguments, const char* text) {
    arguments.insert(arguments.begin(), "score");
    const ProgramRun run = run_program(std::move(arguments));
    EXPECT_EQ(run.exit_code, 2);
    EXPECT_THAT(run.err, HasSubstr(text));
    EXPECT_FALSE(std::filesystem::exists(out));
  };
  expect_error({kModel, "--criterion", "reep", "--out", out}, "did you mean reap?");
  expect_error({kModel, "--criterion", "reap", "--out", out}, "needs observations");
  expect_error({kModel, "--criterion", "random", "--min-tokens", "3", "--out", out}, "--min-tokens");
  expect_error({"/nonexistent", "--criterion", "reap", "--out", out}, "/nonexistent");
  expect_error({kModel + "/config.json", "--criterion", "reap", "--out", out}, "config.json");
}

}  // namespace
}  // namespace espalier
