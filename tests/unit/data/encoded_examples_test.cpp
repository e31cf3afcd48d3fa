#include "data/encoded_examples.h"

#include <gtest/gtest.h>

#include "unit/base/user_error.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;
using Ids = std::vector<std::int32_t>;

constexpr std::int32_t kCls = 1, kSep = 2;

// "a" to "h" are 3 to 10.
WordPiece tokenizer() {
  return WordPiece::from_pieces({"[UNK]", "[CLS]", "[SEP]", "a", "b", "c", "d", "e", "f", "g", "h"}, {});
}

TaskSplit split_of_pairs(std::vector<Example> examples) {
  return {.task = find_task("rte"), .labelled = true, .examples = std::move(examples)};
}

TEST(EncodedExamples, OneTextAndPairs) {
  const auto one = encode_examples({.task = find_task("cola"),
                                    .labelled = true,
                                    .examples = {{.first = "A b", .label = 1}, {.first = ""}}},
                                   tokenizer(), 10);
  EXPECT_EQ(one.ids, (Ids{kCls, 3, 4, kSep, kCls, kSep}));
  EXPECT_EQ(one.offsets, (std::vector<std::uint64_t>{0, 4, 6}));
  EXPECT_EQ(one.first_lengths, (std::vector<std::uint32_t>{4, 2}));
  EXPECT_EQ(one.labels, (Ids{1, 0}));
  EXPECT_TRUE(one.values.empty());
  EXPECT_EQ(one.cut, 0u);

  const auto two = encode_examples(
      split_of_pairs({{.first = "a", .second = "b c"}, {.first = "a", .second = ""}}), tokenizer(), 10);
  EXPECT_EQ(two.ids, (Ids{kCls, 3, kSep, 4, 5, kSep, kCls, 3, kSep, kSep}));
  EXPECT_EQ(two.first_lengths, (std::vector<std::uint32_t>{3, 3}));
}

TEST(EncodedExamples, TheLongerTextOfAPairIsCutFirst) {
  // Room for 5 of 5 + 3: 5,3 -> 4,3 -> 3,3 -> 3,2, as the reference's _truncate_seq_pair.
  const auto cut =
      encode_examples(split_of_pairs({{.first = "a b c d e", .second = "f g h"}}), tokenizer(), 8);
  EXPECT_EQ(cut.ids, (Ids{kCls, 3, 4, 5, kSep, 8, 9, kSep}));
  EXPECT_EQ(cut.cut, 1u);
  const auto second =
      encode_examples(split_of_pairs({{.first = "a", .second = "b c d e f"}}), tokenizer(), 6);
  EXPECT_EQ(second.ids, (Ids{kCls, 3, kSep, 4, 5, kSep}));
  const auto fits = encode_examples(split_of_pairs({{.first = "a b", .second = "c"}}), tokenizer(), 6);
  EXPECT_EQ(fits.cut, 0u);
}

TEST(EncodedExamples, OneTextIsCutAtItsEnd) {
  const auto cut = encode_examples(
      {.task = find_task("cola"), .examples = {{.first = "a b c d"}, {.first = "e"}}}, tokenizer(), 5);
  EXPECT_EQ(cut.ids, (Ids{kCls, 3, 4, 5, kSep, kCls, 7, kSep}));
  EXPECT_EQ(cut.cut, 1u);
  EXPECT_TRUE(cut.labels.empty()) << "not labelled";
}

TEST(EncodedExamples, RegressionHasValues) {
  const auto encoded = encode_examples({.task = find_task("stsb"),
                                        .labelled = true,
                                        .examples = {{.first = "a", .second = "b", .value = 2.5}}},
                                       tokenizer(), 10);
  EXPECT_EQ(encoded.values, std::vector<float>{2.5F});
  EXPECT_TRUE(encoded.labels.empty());
}

TEST(EncodedExamples, RefusesWhatHoldsNoText) {
  const auto pairs = split_of_pairs({{.first = "a", .second = "b"}});
  expect_user_error([&] { encode_examples(pairs, tokenizer(), 4); }, {"--seq-len 4", "at least 5 tokens"});
  EXPECT_NO_THROW(encode_examples(pairs, tokenizer(), 5));
  expect_user_error(
      [&] {
        encode_examples(pairs, WordPiece::from_pieces({"[UNK]", "[CLS]"}, {}), 9);
      },
      {"no piece [CLS] or [SEP]"});
}

}  // namespace
}  // namespace espalier
