#include <gtest/gtest.h>

#include <random>

#include "base/json.h"
#include "small_tokenizers.h"
#include "temporary_folder.h"
#include "text/tokenizer.h"
#include "text/tokenizer_json.h"
#include "text/utf8.h"

namespace espalier {
namespace {

using Ids = std::vector<std::int32_t>;
using nlohmann::json;

json with_decoder(const std::string& decoder) {
  json tokenizer = fixtures::byte_level_json();
  tokenizer["decoder"] = json::parse(decoder);
  json vocabulary = {{"\u2581", 0}, {"\u2581a", 1},      {"b", 2},     {"##c", 3},
                     {"!", 4},      {"\u2581\u2581", 5}, {"\u00e9", 6}};
  for (int byte = 0; byte < 256; ++byte) {
    const char* digits = "0123456789ABCDEF";
    vocabulary[std::string("<0x") + digits[byte / 16] + digits[byte % 16] + ">"] = 7 + byte;
  }
  tokenizer["model"] = {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", json::array()}};
  tokenizer["added_tokens"] = json::array();
  return tokenizer;
}

/// One of each kind of tokenizer, and of decoders.
std::vector<std::unique_ptr<Tokenizer>> tokenizers() {
  std::vector<std::unique_ptr<Tokenizer>> all;
  all.push_back(make_json_tokenizer(fixtures::byte_level_json().dump(), "bytes", {}));
  const TemporaryFolder folder;
  all.push_back(open_tokenizer(folder.write("tokenizer.model", fixtures::sentencepiece_model())));
  all.push_back(
      open_tokenizer(folder.write("vocab.txt", "[UNK]\n[CLS]\n[SEP]\na\n##b\n.\nn't\n\u00e9\n##\u65e5\n")));
  for (const char* decoder :
       {R"({"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
            {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]})",
        R"({"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Replace", "pattern": {"Regex": "a+b"}, "content": "x"},
            {"type": "Strip", "content": "b", "start": 2, "stop": 2}]})",
        R"({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"})",
        R"({"type": "ByteFallback"})", R"({"type": "WordPiece", "prefix": "##", "cleanup": true})", "null"}) {
    all.push_back(make_json_tokenizer(with_decoder(decoder).dump(), decoder, {}));
  }
  return all;
}

Ids random_ids(std::mt19937& random, std::int32_t size) {
  Ids ids(random() % 24);
  // Every other text is of bytes alone: most are of characters that take several.
  for (auto& id : ids) id = static_cast<std::int32_t>(random() % static_cast<unsigned>(size + 2)) - 1;
  return ids;
}

TEST(TextStream, PartsAreWholeCharactersAndTogetherTheText) {
  std::mt19937 random(7);
  for (const auto& tokenizer : tokenizers()) {
    for (int round = 0; round < 2000; ++round) {
      const Ids ids = random_ids(random, tokenizer->vocabulary_size());
      const auto stream = tokenizer->stream(TextPart::kWhole);
      std::string text;
      for (const auto id : ids) {
        const std::string part = stream->add(id);
        ASSERT_FALSE(find_invalid_utf8(part));
        text += part;
        ASSERT_TRUE(tokenizer->decode(ids).starts_with(text));
      }
      ASSERT_EQ(text + stream->finish(), tokenizer->decode(ids));
    }
  }
}

TEST(TextStream, NothingIsHeldBackWithoutNeed) {
  const auto tokenizer = make_json_tokenizer(fixtures::byte_level_json().dump(), "bytes", {});
  const auto stream = tokenizer->stream(TextPart::kWhole);
  const std::vector<std::pair<std::int32_t, std::string>> parts = {
      {'>', ">"}, {0xC3, ""},           {0xA9, "\u00e9"}, {'!', "!"}, {0xF0, ""},       {0x9F, ""},
      {0x99, ""}, {0x82, "\U0001F642"}, {0xE2, ""},       {0x82, ""}, {'x', "\uFFFDx"}, {0xE2, ""}};
  for (const auto& [id, part] : parts) EXPECT_EQ(stream->add(id), part) << id;
  EXPECT_EQ(stream->finish(), "\uFFFD");
}

TEST(TextStream, AContinuationKeepsTheSpaceOfItsFirstPiece) {
  const TemporaryFolder folder;
  const auto tokenizer = open_tokenizer(folder.write("tokenizer.model", fixtures::sentencepiece_model()));
  for (const char* prompt : {"a", "a b", "\u00e9"}) {
    Ids ids = tokenizer->encode(prompt);
    const auto stream = tokenizer->stream(TextPart::kContinuation);
    std::string text = tokenizer->decode(ids);
    for (const std::int32_t id : {263, 4 + 0xC3, 4 + 0xA9, 260, 261}) {
      ids.push_back(id);
      text += stream->add(id);
    }
    EXPECT_EQ(text + stream->finish(), tokenizer->decode(ids));
  }
}

TEST(TextStream, BrokenBytesAsEachReferenceReadsThem) {
  const TemporaryFolder folder;
  const auto pieces = open_tokenizer(folder.write("tokenizer.model", fixtures::sentencepiece_model()));
  const auto fallback = make_json_tokenizer(with_decoder(R"({"type": "ByteFallback"})").dump(), "json", {});
  // "A", then two thirds of a character: sentencepiece keeps the letter, Hugging Face's ByteFallback does
  // not.
  EXPECT_EQ(pieces->decode(Ids{4 + 0x41, 4 + 0xE2, 4 + 0x82, 261}), "A\uFFFD\uFFFDa");
  EXPECT_EQ(fallback->decode(Ids{7 + 0x41, 7 + 0xE2, 7 + 0x82, 2}),
            "\uFFFD\uFFFD\uFFFD"
            "b");
}

}  // namespace
}  // namespace espalier
