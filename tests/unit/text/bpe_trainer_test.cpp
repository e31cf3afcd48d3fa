#include "text/bpe_trainer.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "text/tokenizer_json.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;
using Ids = std::vector<std::int32_t>;

BpeTokenizer trained(const std::vector<std::string>& lines, std::int32_t size, std::uint64_t min_count = 2) {
  BpeWordCounts counts;
  for (const auto& line : lines) counts.add(line);
  return train_bpe(counts, {.vocabulary_size = size, .min_pair_count = min_count});
}

std::unique_ptr<Tokenizer> opened(const BpeTokenizer& made) {
  TokenizerConfig config;
  config.bos_token = "<s>";
  config.eos_token = "</s>";
  return make_json_tokenizer(made.tokenizer.dump(), "tokenizer.json", config);
}

/// Words "low" (5), " low" (2), " lower" (2), counted by hand: l o w come together in all nine, so "lo" (ties
/// go to the smaller ids: "l" is before "o" and "w") and "low"; then " low" in four, then "er".
TEST(BpeTrainer, JoinsTheMostFrequentPairFirst) {
  const auto made = trained({"low low lower", "low low lower", "low", "low", "low"}, 258 + 5);
  EXPECT_EQ(made.tokenizer["model"]["merges"],
            nlohmann::ordered_json({"l o", "lo w", "\u0120 low", "e r", "\u0120low er"}));
  EXPECT_EQ(made.pieces, 263);
}

TEST(BpeTrainer, SpecialTokensAndBytesComeFirst) {
  const auto made = trained({"aa aa"}, 300);
  const auto& vocabulary = made.tokenizer["model"]["vocab"];
  EXPECT_EQ(vocabulary["<s>"], 0);
  EXPECT_EQ(vocabulary["</s>"], 1);
  EXPECT_EQ(vocabulary["!"], 2) << "the letters in their order";
  EXPECT_EQ(made.config["bos_token"], "<s>");
  EXPECT_LT(made.pieces, 300) << "the text has no more pairs";
}

TEST(BpeTrainer, ItsOwnReaderTakesTextsApartAndTogether) {
  const std::string text = "The low tide, the lower tide: 3.5 m\n\nG\u00fcltig \u4f60\u597d \U0001F600 it's";
  const auto tokenizer = opened(trained({text, text, "the the the tide tide"}, 320));
  const auto ids = tokenizer->encode(text);
  EXPECT_EQ(tokenizer->decode(ids), text);
  EXPECT_LT(ids.size(), text.size()) << "some pairs are joined";
  EXPECT_EQ(tokenizer->prefix(), Ids{0});
  EXPECT_EQ(tokenizer->bos(), 0);
  EXPECT_EQ(tokenizer->eos(), 1);
  EXPECT_EQ(tokenizer->encode("</s>"), Ids{1});
}

TEST(BpeTrainer, TheOrderOfTheTextDoesNotMatter) {
  const auto a = trained({"one two three", "two three four", "three four five"}, 290, 1);
  const auto b = trained({"three four five", "one two three", "two three four"}, 290, 1);
  EXPECT_EQ(a.tokenizer, b.tokenizer);
}

TEST(BpeTrainer, RarePairsStayApart) {
  EXPECT_EQ(trained({"abc abc xyz"}, 300, 2).tokenizer["model"]["vocab"].contains("xy"), false);
  EXPECT_EQ(trained({"abc abc xyz"}, 300, 1).tokenizer["model"]["vocab"].contains("xy"), true);
}

TEST(BpeTrainer, SaysWhatItCannotDo) {
  expect_user_error([] { trained({}, 300); }, {"no words"});
  expect_user_error([] { trained({"a b"}, 257); }, {"cannot hold the 256 bytes", "258"});
}

}  // namespace
}  // namespace espalier
