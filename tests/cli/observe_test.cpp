#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "artifacts/observations.h"
#include "cli/run_program.h"
#include "paths.h"

namespace espalier {
namespace {

using testing::HasSubstr;

const std::string kMixtral = source_dir() + "/tests/golden/mixtral";
const std::string kTokens = kMixtral + "/tokens.json";  // sequences of 24 and 31 tokens

TEST(ObserveVerb, WritesObservationsAndLeavesNoState) {
  const TemporaryFolder folder;
  const std::string out = (folder / "obs.safetensors").string();
  const ProgramRun run = run_program({"observe", kMixtral, "--data", kTokens, "--out", out, "--json",
                                      "--rows", "documents", "--max-memory", "0"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(nlohmann::json::parse(run.out).at("tokens"), 55);
  const Observations observations = read_observations(out);
  EXPECT_EQ(observations.model_type, "mixtral");
  ASSERT_EQ(observations.data.size(), 1U);
  EXPECT_EQ(observations.data.front().source, kTokens);
  EXPECT_EQ(observations.data.front().tokens, 55);
  EXPECT_EQ(observations.data.front().seed, 42U);
  ASSERT_EQ(observations.layers.size(), 3U);
  EXPECT_EQ(observations.layers.front().tokens, 55);
  EXPECT_FALSE(std::filesystem::exists(out + ".state"));
}

TEST(ObserveVerb, MergesFiles) {
  const TemporaryFolder folder;
  const std::string one = (folder / "one.safetensors").string(),
                    both = (folder / "both.safetensors").string();
  ASSERT_EQ(
      run_program({"observe", kMixtral, "--data", kTokens, "--out", one, "--rows", "documents"}).exit_code,
      0);
  const ProgramRun run = run_program({"observe", "--merge", one, one, "--weights", "1", "2", "--out", both});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const Observations a = read_observations(one), b = read_observations(both);
  EXPECT_EQ(b.layers.front().tokens, 3 * a.layers.front().tokens);
  EXPECT_EQ(b.layers.front().norm_max, a.layers.front().norm_max);
}

TEST(ObserveVerb, BadInputIsAUserError) {
  const TemporaryFolder folder;
  const std::string out = (folder / "obs.safetensors").string();
  const std::string outside = folder.write("t.json", "{\"sequences\": [[1], [320]]}");
  const std::string text = folder.write("t.txt", "some words");
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{kMixtral}, "--data is missing"},
      {{"--data", kTokens}, "MODEL is missing"},
      {{kMixtral, "--data", "/nonexistent.json"}, "/nonexistent.json"},
      {{kMixtral, "--data", outside}, "320"},
      {{kMixtral, "--data", text}, "tokenizer"},
      {{source_dir() + "/tests/golden/bert", "--data", kTokens}, "has no experts"},
      {{"--merge", out}, out},
  };
  for (const auto& [arguments, error] : cases) {
    std::vector<std::string> command{"observe", "--out", out};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const ProgramRun run = run_program(command);
    EXPECT_EQ(run.exit_code, 2) << error;
    EXPECT_THAT(run.err, HasSubstr(error));
    EXPECT_FALSE(std::filesystem::exists(out));
  }
}

}  // namespace
}  // namespace espalier
