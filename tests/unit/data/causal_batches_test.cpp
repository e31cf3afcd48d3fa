#include "data/causal_batches.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "small_tokenizers.h"
#include "temporary_folder.h"
#include "text/tokenizer_json.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using Ids = std::vector<std::int64_t>;

constexpr std::int32_t kBos = 900;

using fixtures::expect_user_error;

/// Bytes are their own ids; "abc" is 257, EOS 259.
class CausalBatchesTest : public ::testing::Test {
 protected:
  TokenCorpus corpus(const std::string& text) const {
    TokenizerConfig config;
    config.eos_token = "<|end|>";
    const auto tokenizer = make_json_tokenizer(fixtures::byte_level_json().dump(), "tokenizer.json", config);
    return TokenCorpus::build({folder_.write("text.txt", text)}, corpus_tokenizer(*tokenizer, "bytes"),
                              folder_ / "cache");
  }
  static CausalOptions rows(std::int64_t length, std::int64_t batch, std::optional<std::int32_t> bos = {}) {
    return {.sequence_length = length, .batch_tokens = batch, .seed = 3, .bos = bos};
  }
  TemporaryFolder folder_;
};

TEST_F(CausalBatchesTest, DocumentsAreLinesWithTheirEndsAnEmptyLineAndEos) {
  const auto two = corpus("d e\nf\n\n\nabc\n");
  Ids tokens;
  for (std::uint64_t i = 0; i < two.size(); ++i) tokens.push_back(two.token(i));
  EXPECT_EQ(tokens, (Ids{'d', ' ', 'e', '\n', 'f', '\n', '\n', 259, 257, '\n', '\n', 259}));
  EXPECT_EQ(two.document_ends().size(), 2U);
}

TEST_F(CausalBatchesTest, EachTokensTargetFollowsIt) {
  const auto text = corpus("defgh\n");  // d e f g h \n \n EOS
  const CausalBatches plain(text, rows(3, 3)), begun(text, rows(3, 3, kBos));
  EXPECT_EQ(plain.rows(), 3U);
  EXPECT_EQ(plain.in_order(0, 3).ids, (Ids{'d', 'e', 'f', 'g', 'h', '\n', '\n'}));
  EXPECT_EQ(plain.in_order(0, 3).targets, (Ids{'e', 'f', 'g', 'h', '\n', '\n', 259}));
  EXPECT_EQ(plain.in_order(0, 3).offsets, (Ids{0, 3, 6, 7}));
  EXPECT_EQ(begun.in_order(0, 9).ids, (Ids{kBos, 'd', 'e', kBos, 'g', 'h', kBos, '\n'}));
  EXPECT_EQ(begun.in_order(0, 9).targets, (Ids{'d', 'e', 'f', 'g', 'h', '\n', '\n', 259}));
}

TEST_F(CausalBatchesTest, AnEpochHoldsEveryRowOnceInAnOrderOfItsOwn) {
  std::string long_text;
  for (int i = 0; i < 60; ++i) long_text += static_cast<char>('d' + i % 20);
  const auto text = corpus(long_text + "\n");
  CausalBatches batches(text, rows(4, 9, kBos));
  ASSERT_EQ(batches.rows_of_a_batch(), 2U);
  ASSERT_EQ(batches.rows(), 16U);
  CorpusCursor cursor;
  const auto epoch = [&] {
    std::vector<std::vector<std::int64_t>> rows_seen;
    for (int i = 0; i < 8; ++i) {
      const auto batch = batches.next(cursor);
      for (std::size_t b = 0; b + 1 < batch.offsets.size(); ++b)
        rows_seen.emplace_back(batch.targets.begin() + batch.offsets[b],
                               batch.targets.begin() + batch.offsets[b + 1]);
    }
    return rows_seen;
  };
  auto first = epoch(), second = epoch();
  EXPECT_NE(first, second);
  std::sort(first.begin(), first.end());
  std::sort(second.begin(), second.end());
  EXPECT_EQ(first, second);
}

TEST_F(CausalBatchesTest, ABatchIsAFunctionOfTheCursor) {
  const auto text = corpus("defghijklmnopqrstuvw\n");
  CausalBatches one(text, rows(3, 6)), other(text, rows(3, 6));
  CorpusCursor cursor;
  for (int i = 0; i < 5; ++i) {
    auto copy = cursor;
    EXPECT_EQ(other.next(copy).ids, one.next(cursor).ids);
  }
}

TEST_F(CausalBatchesTest, SaysWhatDoesNotFit) {
  const auto text = corpus("abc\n");
  expect_user_error([&] { CausalBatches(text, rows(8, 4)); }, {"--seq-len 8 with --batch-tokens 4"});
  const auto tokenizer = make_json_tokenizer(fixtures::byte_level_json().dump(), "tokenizer.json", {});
  expect_user_error([&] { corpus_tokenizer(*tokenizer, ""); }, {"no end-of-text token"});
}

}  // namespace
}  // namespace espalier
