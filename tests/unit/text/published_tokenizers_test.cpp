// Published tokenizers against the ids that their own programs give, where the data folder has them.
#include <gtest/gtest.h>

#include <array>

#include "text/tokenizer.h"
#include "text/tokenizer_json.h"
#include "unit/text/published_data.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using fixtures::published_tokenizers;

class PublishedTokenizers : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!fs::exists(published_tokenizers())) {
      GTEST_SKIP() << published_tokenizers() << " is not there; set ESPALIER_SHARED_DATA to run this test";
    }
  }
};

void expect_vectors(const Tokenizer& tokenizer, const std::string& name, std::size_t count) {
  const auto vectors = fixtures::token_vectors(name);
  ASSERT_EQ(vectors.size(), count);
  for (const auto& [text, ids] : vectors) {
    EXPECT_EQ(tokenizer.encode(text), ids) << name << ": " << ::testing::PrintToString(text);
  }
}

/// Byte-level and sentencepiece vocabularies lose nothing.
void expect_round_trips(const Tokenizer& tokenizer, const std::string& name) {
  for (const auto& [text, ids] : fixtures::token_vectors(name)) {
    EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text);
  }
}

TEST_F(PublishedTokenizers, Gpt2) {
  const auto tokenizer = make_json_tokenizer(fixtures::gpt2_tokenizer(), "gpt2", {});
  expect_vectors(*tokenizer, "gpt-2", 46);
  expect_round_trips(*tokenizer, "gpt-2");
  EXPECT_EQ(tokenizer->vocabulary_size(), 50257);
}

TEST_F(PublishedTokenizers, NeoXAndOlmo) {
  const auto tokenizer =
      make_json_tokenizer(fixtures::olmo_tokenizer(), "olmo", {.eos_token = "<|endoftext|>"});
  expect_vectors(*tokenizer, "mpt", 46);
  expect_round_trips(*tokenizer, "mpt");
  EXPECT_EQ(tokenizer->eos(), 50279);
  EXPECT_EQ(tokenizer->encode("a<|endoftext|>"), (std::vector<std::int32_t>{66, 50279}));
}

TEST_F(PublishedTokenizers, Qwen2) {
  const auto tokenizer = make_json_tokenizer(fixtures::qwen2_tokenizer(), "qwen2", {});
  expect_vectors(*tokenizer, "qwen2", 46);
  expect_round_trips(*tokenizer, "qwen2");
  EXPECT_EQ(tokenizer->encode("<|im_start|>user\n"), (std::vector<std::int32_t>{151644, 872, 198}));
  EXPECT_TRUE(tokenizer->prefix().empty());
}

TEST_F(PublishedTokenizers, Llama) {
  const auto tokenizer = open_tokenizer(published_tokenizers() / "llama2/tokenizer.model");
  expect_vectors(*tokenizer, "llama-spm", 46);
  expect_round_trips(*tokenizer, "llama-spm");
  EXPECT_EQ(tokenizer->prefix(), std::vector<std::int32_t>{1});
}

TEST_F(PublishedTokenizers, Bert) {
  const auto tokenizer = open_tokenizer(published_tokenizers() / "bert-base-uncased/vocab.txt");
  for (auto& [text, ids] : fixtures::token_vectors("bert-bge")) {
    EXPECT_EQ(tokenizer->encode(text), ids) << text;
  }
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
    text.replace(at, from.size(), to);
  }
}

/// The rendered conversations show pieces: spaces as U+2581, line ends as the piece of their byte.
std::string plain(std::string text) {
  replace_all(text, "\u2581", " ");
  replace_all(text, "<0x0A>", "\n");
  return text;
}

TEST_F(PublishedTokenizers, MistralConversations) {
  const auto folder = published_tokenizers() / "mistral";
  const std::array<const char*, 3> files = {"tokenizer.model.v1",
                                            "mistral_instruct_tokenizer_240216.model.v2",
                                            "mistral_instruct_tokenizer_240323.model.v3"};
  int compared = 0;
  for (int version = 1; version <= 3; ++version) {
    const auto tokenizer = open_tokenizer(folder / files.at(static_cast<std::size_t>(version - 1)));
    for (const auto& sample : fs::directory_iterator(folder / "samples")) {
      const auto text = sample.path() / ("text_v" + std::to_string(version) + ".txt");
      if (!fs::exists(text)) continue;
      const auto tokens = read_json(sample.path() / ("tokens_v" + std::to_string(version) + ".json"));
      EXPECT_EQ(tokenizer->encode(plain(read_file(text))),
                tokens.at("tokens").get<std::vector<std::int32_t>>())
          << text;
      ++compared;
    }
  }
  EXPECT_EQ(compared, 13);
}

}  // namespace
}  // namespace espalier
