#include <gtest/gtest.h>

#include "base/json.h"
#include "small_tokenizers.h"
#include "temporary_folder.h"
#include "text/inspect_tokenizer.h"
#include "text/tokenizer.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using Ids = std::vector<std::int32_t>;
using nlohmann::json;

/// Bytes at their own ids; <s> 258 and </s> 259 in the vocabulary, <s> put in front by the file itself.
json bytes_with_bos() {
  json tokenizer = fixtures::byte_level_json();
  tokenizer["model"]["vocab"]["<s>"] = 261;
  tokenizer["model"]["vocab"]["</s>"] = 262;
  tokenizer["added_tokens"].push_back({{"id", 261}, {"content", "<s>"}, {"special", true}});
  tokenizer["post_processor"] = json::parse(R"({"type": "TemplateProcessing",
      "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}],
      "special_tokens": {"<s>": {"ids": [261]}}})");
  return tokenizer;
}

class Settings : public testing::Test {
 protected:
  std::unique_ptr<Tokenizer> open(const json& files) {
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path()))
      std::filesystem::remove(entry.path());
    folder_.write("tokenizer.json", bytes_with_bos().dump());
    for (const auto& [name, content] : files.items()) folder_.write(name, content.dump());
    return open_tokenizer(folder_.path());
  }
  TemporaryFolder folder_;
};

TEST_F(Settings, BosAndEosByTheFirstFileThatNamesThem) {
  struct Case {
    const char* what;
    json files;
    std::optional<std::int32_t> bos, eos;
  };
  const json map = {{"bos_token", "<s>"}, {"eos_token", {{"content", "</s>"}}}};
  const std::vector<Case> cases = {
      {"nothing", json::object(), {}, {}},
      {"tokenizer_config.json", {{"tokenizer_config.json", map}}, 261, 262},
      {"special_tokens_map.json", {{"special_tokens_map.json", map}}, 261, 262},
      {"the map before the config",
       {{"tokenizer_config.json", {{"eos_token", "<|end|>"}}}, {"special_tokens_map.json", map}},
       261,
       262},
      {"but not where the config lists the added tokens",
       {{"tokenizer_config.json", {{"eos_token", "<|end|>"}, {"added_tokens_decoder", json::object()}}},
        {"special_tokens_map.json", map}},
       {},
       259},
      {"ids of config.json where there is a config without names",
       {{"tokenizer_config.json", {{"model_max_length", 9}}},
        {"config.json", {{"bos_token_id", 5}, {"eos_token_id", {7, 8}}}}},
       5,
       7},
      {"of its part for text", {{"config.json", {{"text_config", {{"eos_token_id", 9}}}}}}, {}, 9},
      {"what the class calls them",
       {{"tokenizer_config.json", {{"tokenizer_class", "LlamaTokenizerFast"}}},
        {"config.json", {{"bos_token_id", 5}}}},
       261,
       262}};
  for (const auto& [what, files, bos, eos] : cases) {
    const auto tokenizer = open(files);
    EXPECT_EQ(tokenizer->bos(), bos) << what;
    EXPECT_EQ(tokenizer->eos(), eos) << what;
    EXPECT_EQ(tokenizer->prefix(), Ids{261}) << what;  // what the file puts there stays
  }
}

TEST_F(Settings, FlagsOfALlamaDecideWhatStandsAroundAText) {
  const auto around = [&](json config) {
    config.update({{"bos_token", "<|end|>"}, {"eos_token", "</s>"}});
    const auto tokenizer = open({{"tokenizer_config.json", config}});
    return std::pair(tokenizer->prefix(), tokenizer->suffix());
  };
  json llama = {{"tokenizer_class", "LlamaTokenizer"}};
  EXPECT_EQ(around(llama), std::pair(Ids{259}, Ids{}));
  llama.update({{"add_bos_token", false}, {"add_eos_token", true}});
  EXPECT_EQ(around(llama), std::pair(Ids{}, Ids{262}));
  EXPECT_EQ(around({{"add_bos_token", false}, {"add_eos_token", true}}), std::pair(Ids{261}, Ids{}));
  const json said = to_json(inspect_tokenizer(folder_.path()));
  EXPECT_EQ(said["passed_over"].size(), 2U);
  EXPECT_EQ(said["taken"].size(), 2U);
}

TEST_F(Settings, TokensBesideTheFileAreFoundInTexts) {
  EXPECT_EQ(open(json::object())->encode("</s>"), (Ids{'<', '/', 's', '>'}));
  EXPECT_EQ(open({{"special_tokens_map.json", {{"eos_token", "</s>"}}}})->encode("a</s>"), (Ids{'a', 262}));
  EXPECT_EQ(open({{"tokenizer_config.json", {{"additional_special_tokens", {"</s>"}}}}})->encode("</s>"),
            Ids{262});
  EXPECT_EQ(open({{"added_tokens.json", {{"<new>", 300}}}})->encode("b<new>"), (Ids{'b', 300}));
  EXPECT_EQ(open({{"tokenizer_config.json", {{"added_tokens_decoder", {{"300", {{"content", "<new>"}}}}}}},
                  {"added_tokens.json", {{"<old>", 301}}}})
                ->encode("<new><"),
            (Ids{300, '<'}));
  EXPECT_EQ(open({{"tokenizer_config.json", {{"split_special_tokens", true}}}})->encode("<s>"),
            (Ids{'<', 's', '>'}));
}

TEST_F(Settings, StopsAreThoseOfGenerationElseOfTheModel) {
  open({{"config.json", {{"eos_token_id", {13, 2}}}}});
  EXPECT_EQ(read_stop_ids(folder_.path()).ids, (Ids{13, 2}));
  open({{"config.json", {{"eos_token_id", 13}}}, {"generation_config.json", {{"eos_token_id", {2, 4}}}}});
  EXPECT_EQ(read_stop_ids(folder_.path()).ids, (Ids{2, 4}));
  open({{"config.json", {{"eos_token_id", 13}}}, {"generation_config.json", {{"eos_token_id", nullptr}}}});
  EXPECT_EQ(read_stop_ids(folder_.path()).ids, Ids{13});
  open({{"config.json", json::object()}});
  EXPECT_EQ(read_stop_ids(folder_.path()).ids, Ids{});
}

TEST_F(Settings, InspectionSaysWhatWasTakenAndWhatWasNot) {
  open({{"tokenizer_config.json", {{"eos_token", "<|end|>"}, {"never_split", {"x"}}}},
        {"special_tokens_map.json", {{"eos_token", "</s>"}}},
        {"generation_config.json", {{"eos_token_id", {1, 2}}}}});
  json tokenizer = bytes_with_bos();
  tokenizer["truncation"] = {{"max_length", 128}};
  folder_.write("tokenizer.json", tokenizer.dump());
  const json said = to_json(inspect_tokenizer(folder_.path()));
  EXPECT_EQ(said["eos"], (json{{"id", 262}, {"piece", "</s>"}}));
  EXPECT_EQ(said["in_front"], json::parse(R"([{"id": 261, "piece": "<s>"}])"));
  EXPECT_EQ(said["stops"], (json{1, 2}));
  EXPECT_EQ(said["taken"],
            json::parse(R"([{"key": "eos_token", "value": "</s>", "file": "special_tokens_map.json"}])"));
  ASSERT_EQ(said["passed_over"].size(), 2U);
  EXPECT_EQ(said["passed_over"][0]["key"], "never_split");
  EXPECT_EQ(said["passed_over"][1]["key"], "truncation");
  const std::string text = to_text(inspect_tokenizer(folder_.path()));
  EXPECT_NE(text.find("generation ends at 1, 2  (generation_config.json)"), std::string::npos) << text;
}

TEST_F(Settings, WhatMakesOtherIdsAndIsNotKnownIsRefused) {
  fixtures::expect_user_error(
      [&] {
        open({{"tokenizer_config.json", {{"word_tokenizer_type", "mecab"}}}});
      },
      {"tokenizer_config.json", "word_tokenizer_type", "mecab"});
  fixtures::expect_user_error(
      [&] {
        open({{"special_tokens_map.json", {{"bos_token", 7}}}});
      },
      {"special_tokens_map.json", "bos_token"});
  fixtures::expect_user_error(
      [&] {
        open({{"added_tokens.json", {{"<new>", -2}}}});
      },
      {"added_tokens.json", "<new>"});
}

TEST(JsonTokenizer, HolesAmongBytePiecesAndAnUnknownPieceThatIsNone) {
  json tokenizer = fixtures::byte_level_json();
  tokenizer["model"]["byte_fallback"] = true;
  tokenizer["model"]["unk_token"] = "<unk>";
  const TemporaryFolder folder;
  folder.write("tokenizer.json", tokenizer.dump());
  EXPECT_EQ(open_tokenizer(folder.path())->encode("abc"), Ids{257});
  // Characters: "a" is known, "é" falls back to bytes, of "日" a byte has no piece, "e" is unknown.
  tokenizer = json::parse(R"({"model": {"type": "BPE", "byte_fallback": true, "unk_token": "?", "merges": [],
      "vocab": {"?": 0, "a": 1, "<0xC3>": 2, "<0xA9>": 3, "<0xE6>": 4, "<0x97>": 5}}})");
  folder.write("tokenizer.json", tokenizer.dump());
  EXPECT_EQ(open_tokenizer(folder.path())->encode("a\u00e9\u65e5"), (Ids{1, 2, 3, 0}));
  EXPECT_EQ(open_tokenizer(folder.path())
                ->encode("ee\u00e9"
                         "a"),
            (Ids{0, 2, 3, 0, 1}));  // the reference's order
  tokenizer["model"]["fuse_unk"] = true;
  folder.write("tokenizer.json", tokenizer.dump());
  EXPECT_EQ(open_tokenizer(folder.path())
                ->encode("ee\u00e9"
                         "a"),
            (Ids{2, 3, 0, 1}));
  tokenizer["model"]["unk_token"] = "<none>";
  folder.write("tokenizer.json", tokenizer.dump());
  EXPECT_EQ(open_tokenizer(folder.path())->encode("a\u00e9"), (Ids{1, 2, 3}));
  fixtures::expect_user_error([&] { open_tokenizer(folder.path())->encode("ae"); }, {"\"e\"", "<none>"});
}

TEST(JsonTokenizer, ATokenBehindOneThatTookItsSpaceIsFound) {
  json tokenizer = fixtures::byte_level_json();
  tokenizer["added_tokens"] =
      json::parse(R"([{"id": 300, "content": "A", "rstrip": true, "normalized": false},
      {"id": 301, "content": " x", "normalized": false}])");
  const TemporaryFolder folder;
  folder.write("tokenizer.json", tokenizer.dump());
  EXPECT_EQ(open_tokenizer(folder.path())->encode("A xb"), (Ids{300, 301, 'b'}));
}

/// With pieces of the user's: "<u>" 265, mark "\n" 266, "ab" 267 beside the fixture's.
std::string model_with_user_pieces() {
  fixtures::ProtoWriter more;
  for (const char* piece : {"<u>", "\u2581\n",
                            "\u2581"
                            "b"})
    more.content(1, fixtures::sentence_piece(piece, 0, 4));
  return fixtures::sentencepiece_model() + more.bytes();
}

TEST(SentencePieceTokenizer, PiecesOfTheUserAreFoundWithSpacesAsMarks) {
  const TemporaryFolder folder;
  const auto tokenizer = open_tokenizer(folder.write("tokenizer.model", model_with_user_pieces()));
  EXPECT_EQ(tokenizer->encode("a \n b"), (Ids{263, 266, 267}));
  EXPECT_EQ(tokenizer->encode("\n"), Ids{266});
  EXPECT_EQ(tokenizer->encode("<u>ab"),
            (Ids{260, 265, 264}));  // the space in front is the text's, not the piece's
  EXPECT_EQ(tokenizer->encode("[INST]<u>a"), (Ids{3, 265, 261}));
  EXPECT_EQ(tokenizer->decode(Ids{266, 267, 265}), "\n b<u>");
  EXPECT_EQ(tokenizer->piece(266), " \n");
}

}  // namespace
}  // namespace espalier
