#include <gtest/gtest.h>

#include <thread>

#include "base/json.h"
#include "small_tokenizers.h"
#include "temporary_folder.h"
#include "text/tokenizer.h"
#include "text/tokenizer_json.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using Ids = std::vector<std::int32_t>;
using nlohmann::json;

std::unique_ptr<Tokenizer> open_json(const json& tokenizer, const TokenizerConfig& config = {}) {
  return make_json_tokenizer(tokenizer.dump(), "tokenizer.json", config);
}

TEST(JsonTokenizer, BytesMergesAndAddedTokens) {
  const auto tokenizer = open_json(fixtures::byte_level_json());
  EXPECT_EQ(tokenizer->encode("abc a"), (Ids{257, 258}));
  EXPECT_EQ(tokenizer->encode("a<|end|>b<tool>"), (Ids{'a', 259, 'b', 260}));
  EXPECT_EQ(tokenizer->encode("e\u0301"), (Ids{0xC3, 0xA9}));  // composed
  EXPECT_EQ(tokenizer->encode(""), Ids{});
  EXPECT_EQ(tokenizer->encode("\xFF"), (Ids{0xEF, 0xBF, 0xBD}));  // U+FFFD in its place
  EXPECT_EQ(tokenizer->decode(Ids{257, 259, 260, 258, 999, -1}), "abc<tool> a");
  EXPECT_EQ(tokenizer->piece(258), " a");
  EXPECT_EQ(tokenizer->piece(259), "<|end|>");
  EXPECT_EQ(tokenizer->piece(0xC3), "\xC3");
  EXPECT_EQ(tokenizer->piece(1'000'000), "");
  EXPECT_EQ(tokenizer->vocabulary_size(), 261);
  EXPECT_EQ(tokenizer->prefix(), Ids{});
  EXPECT_EQ(tokenizer->bos(), std::nullopt);
}

TEST(JsonTokenizer, MergesMayBePairsAndAnOldFileHasNoType) {
  auto pairs = fixtures::byte_level_json();
  pairs["model"]["merges"] = json::parse(R"([["a", "b"], ["ab", "c"], ["\u0120", "a"]])");
  pairs["model"].erase("type");
  EXPECT_EQ(open_json(pairs)->encode("abc a"), (Ids{257, 258}));
}

TEST(JsonTokenizer, LlamaWithMarksAndBytes) {
  json vocabulary = {{"<unk>", 0}, {"<s>", 1}, {"</s>", 2}};
  for (int byte = 0; byte < 256; ++byte) {
    char piece[8];
    std::snprintf(piece, sizeof(piece), "<0x%02X>", static_cast<unsigned>(byte));
    vocabulary[piece] = 3 + byte;
  }
  const char* pieces[] = {"\u2581", "a", "b",
                          "\u2581"
                          "a"};
  for (int i = 0; i < 4; ++i) vocabulary[pieces[i]] = 259 + i;
  json tokenizer = json::parse(R"({
    "added_tokens": [{"id": 1, "content": "<s>", "special": true}, {"id": 2, "content": "</s>", "special": true}],
    "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"},
      {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
    "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<s>"}},
      {"Sequence": {"id": "A"}}], "special_tokens": {"<s>": {"ids": [1]}}},
    "decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "\u2581"},
      "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1}]},
    "model": {"type": "BPE", "byte_fallback": true, "fuse_unk": true, "unk_token": "<unk>",
      "merges": [["\u2581", "a"]]}})");
  tokenizer["model"]["vocab"] = vocabulary;
  const auto opened = open_json(tokenizer, {.bos_token = "<s>", .eos_token = "</s>"});
  EXPECT_EQ(opened->encode("a b\u00e9"), (Ids{262, 259, 261, 3 + 0xC3, 3 + 0xA9}));
  EXPECT_EQ(opened->encode("</s>a"), (Ids{2, 262}));  // each stretch of text gets its mark
  EXPECT_EQ(opened->prefix(), Ids{1});
  EXPECT_EQ(opened->bos(), 1);
  EXPECT_EQ(opened->eos(), 2);
  EXPECT_EQ(opened->decode(opened->encode("a b\u00e9")), "a b\u00e9");
}

TEST(JsonTokenizer, LlamasClassFramesByItsFlags) {
  TokenizerConfig config{
      .tokenizer_class = "LlamaTokenizerFast", .bos_token = "<|end|>", .eos_token = "<tool>"};
  EXPECT_EQ(open_json(fixtures::byte_level_json(), config)->prefix(), Ids{259});
  config.add_bos = false;
  config.add_eos = true;
  EXPECT_EQ(open_json(fixtures::byte_level_json(), config)->prefix(), Ids{});
  EXPECT_EQ(open_json(fixtures::byte_level_json(), config)->suffix(), Ids{260});
}

TEST(JsonTokenizer, WordPieceAsBert) {
  const json tokenizer = json::parse(R"({
    "added_tokens": [{"id": 1, "content": "[MASK]", "special": true}],
    "normalizer": {"type": "BertNormalizer", "lowercase": true}, "pre_tokenizer": {"type": "BertPreTokenizer"},
    "decoder": {"type": "WordPiece"}, "model": {"type": "WordPiece", "unk_token": "[UNK]",
      "vocab": {"[UNK]": 0, "[MASK]": 1, "do": 2, "##g": 3, "!": 4}}})");
  const auto opened = open_json(tokenizer);
  EXPECT_EQ(opened->encode("D\u00f3g [MASK]! x"), (Ids{2, 3, 1, 4, 0}));
  EXPECT_EQ(opened->decode(Ids{2, 3, 4}), "dog!");
}

TEST(JsonTokenizer, ManyThreadsAtOnce) {
  const auto tokenizer = open_json(fixtures::byte_level_json());
  std::vector<std::thread> threads;
  std::vector<int> right(4, 0);
  for (std::size_t t = 0; t < right.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 500; ++i) right[t] += tokenizer->encode("abc a") == Ids{257, 258} ? 1 : 0;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right, std::vector<int>(4, 500));
}

TEST(SentencePieceTokenizer, JoinsByScoreAndFallsBackToBytes) {
  const TemporaryFolder folder;
  const auto tokenizer = open_tokenizer(folder.write("tokenizer.model", fixtures::sentencepiece_model()));
  EXPECT_EQ(tokenizer->encode("ab"), (Ids{260, 264}));  // "ab" before mark "a"
  EXPECT_EQ(tokenizer->encode("a a  b"), (Ids{263, 263, 260, 260, 262}));
  EXPECT_EQ(tokenizer->encode("\u00e9"), (Ids{260, 4 + 0xC3, 4 + 0xA9}));
  EXPECT_EQ(tokenizer->encode("<s>[INST] a[INST]a"), (Ids{1, 3, 263, 3, 261}));  // no space of its own
  EXPECT_EQ(tokenizer->prefix(), Ids{1});
  EXPECT_EQ(tokenizer->suffix(), Ids{});
  EXPECT_EQ(tokenizer->decode(Ids{1, 263, 263, 260, 4 + 0xC3, 4 + 0xA9, 2}), "a a \u00e9");
  EXPECT_EQ(tokenizer->piece(263), " a");
  EXPECT_EQ(tokenizer->piece(4 + 0xC3), "\xC3");
  EXPECT_EQ(tokenizer->vocabulary_size(), 265);
}

TEST(SentencePieceTokenizer, WithoutBytesUnknownsAreOne) {
  const TemporaryFolder folder;
  const auto tokenizer =
      open_tokenizer(folder.write("tokenizer.model", fixtures::sentencepiece_model(false)));
  EXPECT_EQ(tokenizer->encode("a\u00e9\u00e9"
                              "b"),
            (Ids{263, 0, 262}));
}

TEST(OpenTokenizer, TakesTheFirstFileThereIs) {
  const TemporaryFolder folder;
  fixtures::expect_user_error([&] { open_tokenizer(folder.path()); }, {"tokenizer.json", "vocab.txt"});
  folder.write("vocab.txt", "[UNK]\n[CLS]\n[SEP]\na\n");
  EXPECT_EQ(open_tokenizer(folder.path())->encode("A"), Ids{3});
  EXPECT_EQ(open_tokenizer(folder.path())->prefix(), Ids{1});
  EXPECT_EQ(open_tokenizer(folder.path())->suffix(), Ids{2});
  folder.write("tokenizer.model", fixtures::sentencepiece_model());
  folder.write("tokenizer_config.json",
               R"({"add_bos_token": false, "add_eos_token": true, "added_tokens_decoder":
      {"265": {"content": "<new>", "special": true}}})");
  EXPECT_EQ(open_tokenizer(folder.path())->encode("a<new>"), (Ids{263, 265}));
  EXPECT_EQ(open_tokenizer(folder.path())->suffix(), Ids{2});
  folder.write("tokenizer.json", fixtures::byte_level_json().dump());
  folder.write("tokenizer_config.json", R"({"eos_token": {"content": "<|end|>"}, "bos_token": null})");
  EXPECT_EQ(open_tokenizer(folder.path())->eos(), 259);
  EXPECT_EQ(open_tokenizer(folder.path())->bos(), std::nullopt);
  std::filesystem::remove(folder / "tokenizer_config.json");
  folder.write("config.json", R"({"eos_token_id": [260, 259], "bos_token_id": 256})");
  EXPECT_EQ(open_tokenizer(folder.path())->eos(), 260);
  EXPECT_EQ(open_tokenizer(folder.path())->bos(), 256);
}

}  // namespace
}  // namespace espalier
