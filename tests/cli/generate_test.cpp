#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/run_program.h"
#include "paths.h"

namespace espalier {
namespace {

using testing::HasSubstr;

const std::string kMixtral = source_dir() + "/tests/golden/mixtral";

TEST(GenerateVerb, ContinuesIdsTheSameWayEveryTime) {
  const std::vector<std::string> command{
      "generate", kMixtral,        "--prompt-ids", "5",      "17", "203",    "--tokens",
      "6",        "--temperature", "0.9",          "--seed", "3",  "--json", "--ignore-stop"};
  const ProgramRun first = run_program(command), second = run_program(command);
  ASSERT_EQ(first.exit_code, 0) << first.err;
  const auto json = nlohmann::json::parse(first.out), again = nlohmann::json::parse(second.out);
  EXPECT_EQ(json.at("format"), "espalier.generate/1");
  EXPECT_EQ(json.at("prompt_tokens"), (std::vector<int>{5, 17, 203}));
  EXPECT_EQ(json.at("tokens").size(), 6U);
  EXPECT_EQ(json.at("tokens"), again.at("tokens"));
}

TEST(GenerateVerb, BadInputIsAUserError) {
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{kMixtral}, "expected either --prompt or --prompt-ids"},
      {{kMixtral, "--prompt", "a", "--prompt-ids", "1"}, "expected either --prompt or --prompt-ids"},
      {{kMixtral, "--prompt", "no tokenizer here"}, "tokenizer"},
      {{kMixtral, "--prompt-ids", "320"}, "token 0 is 320"},
      {{kMixtral, "--prompt-ids", "1", "--tokens", "512"}, "the model holds positions for 512"},
      {{source_dir() + "/tests/golden/bert", "--prompt-ids", "1"}, "model_type"},
  };
  for (const auto& [arguments, error] : cases) {
    std::vector<std::string> command{"generate"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    const ProgramRun run = run_program(command);
    EXPECT_EQ(run.exit_code, 2) << error;
    EXPECT_THAT(run.err, HasSubstr(error));
    EXPECT_EQ(run.out, "");
  }
}

}  // namespace
}  // namespace espalier
