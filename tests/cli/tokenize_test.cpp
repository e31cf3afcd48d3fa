#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "cli/run_program.h"
#include "small_tokenizers.h"

namespace espalier {
namespace {

using ::testing::HasSubstr;

constexpr const char* kVocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\nb\n##b\nA\n[\n]\nmask\n";

nlohmann::json tokens_of(const TemporaryFolder& folder, const std::string& model,
                         std::vector<std::string> more = {}) {
  const std::string out = (folder / "tokens.json").string();
  std::vector<std::string> arguments = {"tokenize", model, "--text", (folder / "a.txt").string(),
                                        "--out",    out};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const ProgramRun run = run_program(arguments);
  EXPECT_EQ(run.exit_code, 0) << run.err;
  return nlohmann::json::parse(file_content(out)).at("sequences");
}

TEST(TokenizeVerb, WritesASequenceALine) {
  const TemporaryFolder folder;
  folder.write("model/vocab.txt", kVocabulary);
  folder.write("a.txt", "A b\n\nab zz\n");
  const auto sequences = nlohmann::json::parse("[[2, 5, 6, 3], [2, 3], [2, 5, 7, 1, 3]]");
  EXPECT_EQ(tokens_of(folder, (folder / "model").string()), sequences);
  EXPECT_EQ(tokens_of(folder, (folder / "model/vocab.txt").string()), sequences);
  const ProgramRun run =
      run_program({"tokenize", (folder / "model").string(), "--text", (folder / "a.txt").string(), "--out",
                   (folder / "tokens.json").string(), "--json"});
  EXPECT_EQ(nlohmann::json::parse(run.out).at("tokens"), 11);
}

TEST(TokenizeVerb, OptionsChangeTheSequences) {
  const TemporaryFolder folder;
  const std::string vocabulary = folder.write("vocab.txt", kVocabulary);
  folder.write("a.txt", "A b [MASK]\n");
  using nlohmann::json;
  EXPECT_EQ(tokens_of(folder, vocabulary, {"--no-special"}), json::parse("[[5, 6, 9, 11, 10]]"));
  EXPECT_EQ(tokens_of(folder, vocabulary, {"--recognize-special"}), json::parse("[[2, 5, 6, 4, 3]]"));
  EXPECT_EQ(tokens_of(folder, vocabulary, {"--max-tokens", "3"}), json::parse("[[2, 5, 3]]"));
  EXPECT_EQ(tokens_of(folder, vocabulary, {"--keep-case", "--max-tokens", "3"}), json::parse("[[2, 8, 3]]"));
}

TEST(TokenizeVerb, ObeysTheModelsTokenizerConfig) {
  const TemporaryFolder folder;
  folder.write("model/vocab.txt", kVocabulary);
  folder.write("model/tokenizer_config.json", R"({"do_lower_case": false, "other": 1})");
  folder.write("a.txt", "A\n");
  EXPECT_EQ(tokens_of(folder, (folder / "model").string()), nlohmann::json::parse("[[2, 8, 3]]"));
}

TEST(TokenizeVerb, TokenizersOfLanguageModels) {
  using nlohmann::json;
  const TemporaryFolder folder;
  folder.write("bytes/tokenizer.json", fixtures::byte_level_json().dump());
  folder.write("pieces/tokenizer.model", fixtures::sentencepiece_model());
  folder.write("a.txt", "abc a\n<|end|>\n");
  const std::string bytes = (folder / "bytes").string(), pieces = (folder / "pieces").string();
  EXPECT_EQ(tokens_of(folder, bytes), json::parse("[[257, 258], [259]]"));
  EXPECT_EQ(tokens_of(folder, bytes, {"--whole-file"}), json::parse("[[257, 258, 10, 259, 10]]"));
  EXPECT_EQ(tokens_of(folder, pieces, {"--max-tokens", "3"}), json::parse("[[1, 260, 264], [1, 260, 64]]"));
  EXPECT_EQ(tokens_of(folder, pieces, {"--max-tokens", "2", "--no-special"}),
            json::parse("[[260, 264], [260, 64]]"));
}

TEST(TokenizeVerb, ReadsJsonLinesAndDecodes) {
  using nlohmann::json;
  const TemporaryFolder folder;
  const std::string model = folder.write("tokenizer.json", fixtures::byte_level_json().dump());
  const std::string text =
      folder.write("a.jsonl", "{\"body\": \"abc\\n a\", \"id\": 1}\n{\"body\": \"\u00e9\"}\n");
  const std::string tokens = (folder / "tokens.json").string(), texts = (folder / "texts.json").string();
  ASSERT_EQ(
      run_program({"tokenize", model, "--text", text, "--text-field", "body", "--out", tokens}).exit_code, 0);
  EXPECT_EQ(json::parse(file_content(tokens)).at("sequences"), json::parse("[[257, 10, 258], [195, 169]]"));
  ASSERT_EQ(run_program({"tokenize", model, "--decode", tokens, "--out", texts}).exit_code, 0);
  EXPECT_EQ(json::parse(file_content(texts)).at("texts"), json::parse(R"(["abc\n a", "\u00e9"])"));
}

TEST(TokenizeVerb, BadInputIsAUserError) {
  const TemporaryFolder folder;
  const std::string vocabulary = folder.write("vocab.txt", kVocabulary);
  const std::string plain = folder.write("plain.txt", "[UNK]\na\n");
  const std::string text = folder.write("a.txt", "a b\n");
  const std::string empty = folder.write("empty.txt", "");
  const std::string json = folder.write("tokenizer.json", fixtures::byte_level_json().dump());
  const std::string lines = folder.write("lines.jsonl", "{\"text\": \"a\"}\n");
  const std::string out = (folder / "tokens.json").string();
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{folder.path() / "nothing", "--text", text}, "nothing"},
      {{"/", "--text", text}, "no tokenizer.json"},
      {{plain, "--text", text}, "[CLS]"},
      {{vocabulary, "--text", "/nonexistent"}, "/nonexistent"},
      {{vocabulary, "--text", empty}, "empty"},
      {{vocabulary, "--text", text, "--max-tokens", "2"}, "--max-tokens 2"},
      {{vocabulary}, "--text or --decode"},
      {{json, "--text", text, "--keep-case"}, "--keep-case"},
      {{json, "--text", lines, "--text-field", "body"}, "body"},
      {{json, "--decode", lines}, "lines.jsonl"},
  };
  for (const auto& [given, error] : cases) {
    SCOPED_TRACE(::testing::PrintToString(given));
    std::vector<std::string> arguments = {"tokenize", "--out", out};
    arguments.insert(arguments.end(), given.begin(), given.end());
    const ProgramRun run = run_program(arguments);
    EXPECT_EQ(run.exit_code, 2);
    EXPECT_THAT(run.err, HasSubstr(error));
    EXPECT_FALSE(std::filesystem::exists(out));
  }
}

}  // namespace
}  // namespace espalier
