#include "eval/masked_words.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>
#include <fstream>

#include "temporary_folder.h"
#include "unit/infer/small_encoder.h"

namespace espalier {
namespace {

constexpr double kFloat32 = 1e-5;  // sums of a few hundred float32 numbers of order 1
constexpr int kDocuments = 30, kLength = 12;

/// A vocabulary of as many pieces as `small_encoder_config` has, and a text of one-piece words.
class MaskedWordsTest : public ::testing::Test {
 protected:
  MaskedWordsTest() : tokenizer_(WordPiece::from_pieces(pieces(), {})) {
    std::ofstream text(folder_ / "a.txt");
    for (int i = 0; i < kDocuments; ++i, text << "\n\n")
      for (int j = 0; j < kLength; ++j) text << "w" << letters((i * 7 + j * 3) % 56) << ' ';
    text.close();
    corpus_.emplace(TokenCorpus::build({folder_ / "a.txt"}, tokenizer_, folder_ / "cache"));
  }
  static std::string letters(int i) {
    return {static_cast<char>('a' + i / 8), static_cast<char>('a' + i % 8)};
  }
  static std::vector<std::string> pieces() {
    std::vector<std::string> all = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    for (int i = 0; i < 56; ++i) all.push_back("w" + letters(i));
    return all;
  }
  MlmBatches batches(std::int64_t batch_tokens) const {
    return {*corpus_,
            {.sequence_length = 20,
             .batch_tokens = batch_tokens,
             .mask_share = 0.25,
             .cls = 2,
             .sep = 3,
             .mask = 4,
             .first_ordinary = 5,
             .vocabulary = 61}};
  }

  TemporaryFolder folder_;
  WordPiece tokenizer_;
  std::optional<TokenCorpus> corpus_;
};

TEST_F(MaskedWordsTest, SeesEachSequenceOnceWhateverTheBatch) {
  const SmallEncoder small_encoder(small_encoder_config());
  const auto model = small_encoder.load();
  auto small = batches(40), large = batches(4096);
  const auto a = evaluate_masked_words(model, small, 1'000'000);
  const auto b = evaluate_masked_words(model, large, 1'000'000);
  for (const auto& result : {a, b}) {
    EXPECT_EQ(result.tokens, kDocuments * (kLength + 2));
    EXPECT_EQ(result.predicted, kDocuments * 3);  // a quarter of twelve
  }
  EXPECT_NEAR(a.loss, b.loss, kFloat32);
  EXPECT_EQ(a.accuracy, b.accuracy);
}

TEST_F(MaskedWordsTest, MatchesThePlainFormula) {
  const SmallEncoder small_encoder(small_encoder_config());
  const auto model = small_encoder.load();
  auto all = batches(kDocuments * 17);  // exactly the text
  CorpusCursor cursor;
  const auto batch = all.next(cursor);
  const infer::SequenceLayout layout{batch.offsets};
  const auto hidden = encode(model, {batch.ids, batch.types, layout});
  const auto logits = masked_word_logits(model, layout.tokens(), hidden.data());
  double loss = 0, correct = 0;
  const std::size_t count = kDocuments * 3;
  for (std::size_t i = 0; i < count; ++i) {
    const auto row = logits.span().subspan(static_cast<std::size_t>(batch.positions[i] * 61), 61);
    double sum = 0;
    for (const float logit : row) sum += std::exp(static_cast<double>(logit));
    const auto target = static_cast<std::size_t>(batch.targets[i]);
    loss += (std::log(sum) - static_cast<double>(row[target])) / count;
    correct += std::max_element(row.begin(), row.end()) - row.begin() == batch.targets[i] ? 1 : 0;
  }
  const auto found = evaluate_masked_words(model, all, 1'000'000);
  EXPECT_NEAR(found.loss, loss, kFloat32);
  EXPECT_DOUBLE_EQ(found.accuracy, correct / count);
}

TEST_F(MaskedWordsTest, StopsAfterTheTokensAskedFor) {
  const SmallEncoder small_encoder(small_encoder_config());
  const auto model = small_encoder.load();
  auto some = batches(40);
  const auto result = evaluate_masked_words(model, some, 60);
  EXPECT_GE(result.tokens, 60);
  EXPECT_LT(result.tokens, 60 + 40);
}

TEST_F(MaskedWordsTest, ExamplesMaskOneWordAndRankTheGuesses) {
  const SmallEncoder small_encoder(small_encoder_config(), Dtype::kF32,
                                   [](const std::string& name, std::vector<float>& values) {
                                     if (name == "cls.predictions.bias")
                                       values[17] = 100.0F;  // whatever the text, piece 17
                                   });
  const auto model = small_encoder.load();
  auto all = batches(64);
  const auto examples = masked_examples(model, tokenizer_, all, 5, 3);
  ASSERT_EQ(examples.size(), 5u);
  for (const auto& example : examples) {
    const auto mask = example.text.find("[MASK]");
    ASSERT_NE(mask, std::string::npos) << example.text;
    EXPECT_EQ(example.text.find("[MASK]", mask + 1), std::string::npos) << example.text;
    EXPECT_EQ(std::ranges::count(example.text, ' '), kLength - 1) << example.text;
    EXPECT_EQ(example.target.front(), 'w');
    ASSERT_EQ(example.guesses.size(), 3u);
    EXPECT_EQ(example.guesses[0].piece, tokenizer_.piece(17));
    EXPECT_NEAR(example.guesses[0].probability, 1.0, kFloat32);
    EXPECT_GE(example.guesses[1].probability, example.guesses[2].probability);
  }
  auto again = batches(64);
  EXPECT_EQ(masked_examples(model, tokenizer_, again, 1000, 1).size(), std::size_t{kDocuments});
}

}  // namespace
}  // namespace espalier
