#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/small_language_model.h"

namespace espalier {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

TEST(CompareVerb, AModelWithItselfAndWithAnother) {
  const TemporaryFolder folder;
  const std::string mixtral = golden_with_tokenizer(folder, "mixtral"),
                    rounded = golden_with_tokenizer(folder, "mixtral-bf16");
  const std::string text = folder.write("a.txt", "abc a long line\nand another, abc.\n");
  const std::string out = (folder / "compare.json").string();
  const json same = result_of({"compare", mixtral, mixtral, "--data", text, "--seq-len", "16", "--out", out});
  EXPECT_EQ(json::parse(file_content(out)), same);
  EXPECT_NEAR(same.at("kl_divergence"), 0.0, 1e-6);
  EXPECT_EQ(same.at("top1_agreement"), 1.0);
  const json other =
      result_of({"compare", mixtral, rounded, "--data", text, "--seq-len", "16", "--max-memory", "0"});
  EXPECT_GT(other.at("kl_divergence"), same.at("kl_divergence"));
  EXPECT_EQ(other.at("first").at("loss"), same.at("first").at("loss"));
  const json shown = result_of({"compare", mixtral, mixtral, "--data", text, "--limit", "1", "--prompt",
                                "abc", "--prompt", "a", "--tokens", "5"});
  ASSERT_EQ(shown.at("continuations").size(), 2u);
  EXPECT_EQ(shown.at("continuations")[0].at("prompt"), "abc");
  EXPECT_EQ(shown.at("continuations")[1].at("first"), shown.at("continuations")[1].at("second"));
}

TEST(CompareVerb, PromptsAreShownToPeopleToo) {
  const TemporaryFolder folder;
  const std::string mixtral = golden_with_tokenizer(folder, "mixtral");
  const std::string text = folder.write("a.txt", "abc a long line\n");
  const std::vector<std::string> command{"compare", mixtral,    mixtral, "--data",   text, "--seq-len",
                                         "8",       "--prompt", "abc",   "--tokens", "3"};
  const json shown = result_of(command);
  const ProgramRun run = run_program(command);
  EXPECT_THAT(run.out, HasSubstr("\nabc\n  " + mixtral + ": "));
  EXPECT_THAT(run.out, HasSubstr(shown.at("continuations")[0].at("first").get<std::string>()));
}

TEST(CompareVerb, AModelOfAnotherKindIsAUserError) {
  const TemporaryFolder folder;
  const std::string mixtral = golden_with_tokenizer(folder, "mixtral");
  const std::string text = folder.write("a.txt", "abc");
  const ProgramRun run = run_program({"compare", mixtral, kGoldenFolder + "bert", "--data", text});
  EXPECT_EQ(run.exit_code, 2);
  EXPECT_THAT(run.err, HasSubstr("bert"));
}

}  // namespace
}  // namespace espalier
