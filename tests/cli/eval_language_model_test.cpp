#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "cli/small_language_model.h"

namespace espalier {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr const char* kQuestions =
    R"({"question": "abc a", "choices": ["x", "a longer answer", "b"], "gold": 0}
{"question": "What?", "choices": ["abc", "ab", "a", "c"], "gold": 2}
{"question": "Why?", "choices": ["a", "b"], "gold": 1}
)";

TEST(EvalLanguageModel, MeasuresQuestions) {
  const TemporaryFolder folder;
  const std::string mixtral = golden_with_tokenizer(folder, "mixtral");
  folder.write("data/arc_easy/test.jsonl", kQuestions);
  const std::string out = (folder / "eval.json").string();
  const json result =
      result_of({"eval", mixtral, "--task", "arc_easy", "--data", (folder / "data").string(), "--out", out});
  EXPECT_EQ(json::parse(file_content(out)), result);
  EXPECT_EQ(result.at("task"), "arc_easy");
  EXPECT_EQ(result.at("split"), "test");
  EXPECT_EQ(result.at("examples"), 3);
  const double accuracy = result.at("metrics").at("accuracy");
  EXPECT_NEAR(accuracy * 3, std::round(accuracy * 3), 1e-9);
  EXPECT_NEAR(result.at("metrics").at("accuracy_stderr"), std::sqrt(accuracy * (1 - accuracy) / 2), 1e-9);
  EXPECT_TRUE(result.at("metrics").contains("accuracy_norm"));
  EXPECT_EQ(
      result_of({"eval", mixtral, "--task", "arc_easy", "--data", (folder / "data").string(), "--limit", "2"})
          .at("examples"),
      2);
}

TEST(EvalLanguageModel, OneItemHasNoSpread) {
  const TemporaryFolder folder;
  const std::string mixtral = golden_with_tokenizer(folder, "mixtral");
  const std::string data = "test=" + folder.write("q.jsonl", kQuestions);
  const std::vector<std::string> one = {"eval",   mixtral, "--task",  "arc_easy",
                                        "--data", data,    "--limit", "1"};
  EXPECT_TRUE(result_of(one).at("metrics").at("accuracy_stderr").is_null());
  const std::string text = run_program(one).out;
  EXPECT_THAT(text, HasSubstr("accuracy "));
  EXPECT_THAT(text, testing::Not(testing::AnyOf(HasSubstr("nan"), HasSubstr("\u00b1"))));
}

// The same windows through `logits`: what eval and compare say is what the model's logits say.
TEST(EvalLanguageModel, PerplexityIsThatOfTheWindows) {
  const TemporaryFolder folder;
  const std::string mixtral = golden_with_tokenizer(folder, "mixtral");
  const std::string text = folder.write("a.txt", "abc a long line\nand another, abc.\n");
  const std::vector<std::string> arguments = {"eval",   mixtral, "--task",    "perplexity",
                                              "--data", text,    "--seq-len", "8"};
  const json result = result_of(arguments);
  const json tokens =
      result_of({"tokenize", mixtral, "--text", text, "--whole-file", "--out", (folder / "t.json").string()});
  const auto count = tokens.at("tokens").get<std::int64_t>();
  const std::int64_t windows = (count + 7) / 8;
  EXPECT_EQ(result.at("examples"), windows);
  EXPECT_EQ(result.at("metrics").at("tokens"), count - windows);  // no BOS: the first of each is not scored
  EXPECT_NEAR(result.at("metrics").at("perplexity"), std::exp(result.at("metrics").at("loss").get<double>()),
              1e-9);
  EXPECT_EQ(result.at("settings").at("stride"), "8");
  EXPECT_EQ(result.at("settings").at("in_front"), "nothing");
  const json spilled = result_of(
      {"eval", mixtral, "--task", "perplexity", "--data", text, "--seq-len", "8", "--max-memory", "0"});
  EXPECT_EQ(spilled.at("metrics"), result.at("metrics"));
  auto overlapping = arguments;
  overlapping.insert(overlapping.end(), {"--stride", "4"});
  EXPECT_EQ(result_of(overlapping).at("metrics").at("tokens"), count - 1);
}

TEST(EvalLanguageModel, BadInputIsAUserError) {
  const TemporaryFolder folder;
  const std::string mixtral = golden_with_tokenizer(folder, "mixtral");
  const std::string text = folder.write("a.txt", "abc"), empty = folder.write("empty.txt", "");
  const std::string bad =
      folder.write("bad.jsonl", "{\"question\": \"q\", \"choices\": [\"a\", \"b\"], \"gold\": 5}\n");
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"eval", mixtral, "--task", "sst2", "--data", "x"}, "not one of a language model"},
      {{"eval", mixtral, "--task", "perplexity", "--data", text, "--seq-len", "513"}, "positions for 512"},
      {{"eval", mixtral, "--task", "perplexity", "--data", text, "--seq-len", "2", "--stride", "3"},
       "--stride 3"},
      {{"eval", mixtral, "--task", "perplexity", "--data", empty}, "nothing to score"},
      {{"eval", mixtral, "--task", "perplexity"}, "--data"},
      {{"eval", mixtral, "--task", "piqa", "--data", folder.path().string()}, "no file of the split dev"},
      {{"eval", mixtral, "--task", "arc_easy", "--data", "test=" + bad}, "bad.jsonl: line 1"},
      {{"eval", kGoldenFolder + "mixtral", "--task", "perplexity", "--data", text}, "no tokenizer.json"}};
  for (const auto& [arguments, error] : cases) {
    SCOPED_TRACE(::testing::PrintToString(arguments));
    const ProgramRun run = run_program(arguments);
    EXPECT_EQ(run.exit_code, 2);
    EXPECT_THAT(run.err, HasSubstr(error));
  }
}

}  // namespace
}  // namespace espalier
