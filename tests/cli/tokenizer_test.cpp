#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/run_program.h"

namespace espalier {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(TokenizerVerb, TrainsAVocabulary) {
  const TemporaryFolder folder;
  const std::string text = folder.write("a.txt", "Low lower lowest\nlow lower\n\nlow\n");
  const std::string out = (folder / "vocab.txt").string();
  const ProgramRun run =
      run_program({"tokenizer", "train", text, "--vocab-size", "24", "--out", out, "--json"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  const std::string vocabulary = file_content(out);
  EXPECT_THAT(vocabulary, StartsWith("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n"));
  EXPECT_THAT(vocabulary, HasSubstr("\nlow\n"));
  EXPECT_THAT(vocabulary, testing::Not(HasSubstr("Low")));
  const auto json = nlohmann::json::parse(run.out);
  EXPECT_EQ(json.at("pieces"), std::count(vocabulary.begin(), vocabulary.end(), '\n'));
}

TEST(TokenizerVerb, KeepsCaseOnRequest) {
  const TemporaryFolder folder;
  const std::string text = folder.write("a.txt", "Low Low Low\n");
  const std::string out = (folder / "vocab.txt").string();
  const ProgramRun run =
      run_program({"tokenizer", "train", text, "--vocab-size", "20", "--keep-case", "--out", out});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(file_content(out), HasSubstr("\nLow\n"));
}

TEST(TokenizerVerb, LeavesRareCharactersOut) {
  const TemporaryFolder folder;
  const std::string text = folder.write("a.txt", "aa ab aa ab xa\n");
  const std::string out = (folder / "vocab.txt").string();
  const ProgramRun run = run_program(
      {"tokenizer", "train", text, "--vocab-size", "20", "--min-character-count", "2", "--out", out});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_THAT(file_content(out), testing::Not(HasSubstr("x")));
}

TEST(TokenizerVerb, TrainsBytePairs) {
  const TemporaryFolder folder;
  const std::string text = folder.write("a.txt", "Low lower lowest\nlow lower\n\nlow\n");
  const std::string out = (folder / "made/tokenizer.json").string();
  const ProgramRun run =
      run_program({"tokenizer", "train", "--kind", "bpe", text, "--vocab-size", "265", "--out", out});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const auto made = nlohmann::json::parse(file_content(out));
  EXPECT_EQ(made.at("model").at("type"), "BPE");
  EXPECT_EQ(
      nlohmann::json::parse(file_content((folder / "made/tokenizer_config.json").string())).at("eos_token"),
      "</s>");
  const ProgramRun tokens = run_program(
      {"tokenize", (folder / "made").string(), "--text", text, "--out", (folder / "tokens.json").string()});
  ASSERT_EQ(tokens.exit_code, 0) << tokens.err;
  const auto first =
      nlohmann::json::parse(file_content((folder / "tokens.json").string())).at("sequences")[0];
  EXPECT_EQ(first[0], 0) << "BOS";
  const ProgramRun wrong = run_program({"tokenizer", "train", "--kind", "bpe", text, "--vocab-size", "265",
                                        "--out", (folder / "vocab.txt").string()});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("a byte-level tokenizer is a .json file"));
}

TEST(TokenizerVerb, BadInputIsAUserError) {
  const TemporaryFolder folder;
  const std::string text = folder.write("a.txt", "low lower\n");
  const std::string empty = folder.write("empty.txt", "\n");
  const std::string broken = folder.write("broken.txt", "good\nbad \xff\n");
  const std::string out = (folder / "vocab.txt").string();
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"tokenizer"}, "subcommand"},
      {{"tokenizer", "trian"}, "unknown verb of `espalier tokenizer` 'trian'"},
      {{"tokenizer", "train", text, "--out", out}, "--vocab-size"},
      {{"tokenizer", "train", text, "--vocab-size", "0", "--out", out}, "--vocab-size"},
      {{"tokenizer", "train", "/nonexistent", "--vocab-size", "99", "--out", out}, "/nonexistent"},
      {{"tokenizer", "train", empty, "--vocab-size", "99", "--out", out}, "words"},
      {{"tokenizer", "train", broken, "--vocab-size", "99", "--out", out}, broken + ": line 2"},
      {{"tokenizer", "train", text, "--vocab-size", "6", "--out", out}, "6"},
      {{"tokenizer", "train", text, "--vocab-size", "99", "--out", "/nonexistent/v.txt"},
       "/nonexistent/v.txt"},
  };
  for (const auto& [arguments, error] : cases) {
    SCOPED_TRACE(testing::PrintToString(arguments));
    const ProgramRun run = run_program(arguments);
    EXPECT_EQ(run.exit_code, 2);
    EXPECT_EQ(run.out, "");
    EXPECT_THAT(run.err, HasSubstr(error));
    EXPECT_FALSE(std::filesystem::exists(out));
  }
}

}  // namespace
}  // namespace espalier
