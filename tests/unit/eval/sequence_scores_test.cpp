#include "eval/sequence_scores.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "paths.h"
#include "unit/infer/small_decoder.h"

namespace espalier {
namespace {

constexpr double kTolerance = 1e-4;  // nats; sums of float32 in other orders

infer::DecoderModel golden(const std::string& name) {
  return infer::load_decoder(Checkpoint::open(source_dir() + "/tests/golden/" + name));
}

using Rows = std::vector<std::vector<double>>;

/// [N][V] in float64.
Rows plain_log_probabilities(const infer::DecoderModel& model, const std::vector<std::int32_t>& ids) {
  const auto logits = logits_of(model, run_sequence(model, ids));
  const auto V = static_cast<std::size_t>(model.vocabulary());
  Rows rows;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto row = logits.span().subspan(i * V, V);
    double sum = 0;
    for (const float logit : row) sum += std::exp(static_cast<double>(logit));
    rows.emplace_back();
    for (const float logit : row) rows.back().push_back(static_cast<double>(logit) - std::log(sum));
  }
  return rows;
}

std::int64_t best_of(const std::vector<double>& row) {
  return std::max_element(row.begin(), row.end()) - row.begin();
}

/// One sequence by itself, its probabilities in float64.
SequenceScore plain_score(const infer::DecoderModel& model, const ScoredSequence& sequence) {
  const std::vector<std::int32_t> ids(sequence.ids.begin(), sequence.ids.end());
  const Rows log_probabilities = plain_log_probabilities(model, ids);
  SequenceScore score;
  const auto length = static_cast<std::int64_t>(ids.size());
  for (std::int64_t at = length - sequence.scored; at < length; ++at) {
    const std::int64_t id = sequence.ids[static_cast<std::size_t>(at)];
    score.log_likelihood += log_probabilities[static_cast<std::size_t>(at - 1)][static_cast<std::size_t>(id)];
    score.greedy = score.greedy && best_of(log_probabilities[static_cast<std::size_t>(at - 1)]) == id;
  }
  return score;
}

std::vector<ScoredSequence> some_sequences() {
  return {{{1, 17, 40, 99, 5}, 3}, {{1, 17, 40, 99, 6}, 1}, {{7, 8}, 1},  {{1, 17, 40, 99, 7}, 1},
          {{300, 2, 9, 300}, 2},   {{5, 6, 7}, 0},          {{7, 319}, 1}};
}

TEST(SequenceScores, AreThoseOfEachSequenceByItself) {
  const infer::DecoderModel model = golden("mixtral");
  const auto sequences = some_sequences();
  const auto scores = score_sequences(model, sequences, {});
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const SequenceScore expected = plain_score(model, sequences[i]);
    EXPECT_NEAR(scores[i].log_likelihood, expected.log_likelihood, kTolerance) << i;
    EXPECT_EQ(scores[i].greedy, expected.greedy) << i;
  }
}

TEST(SequenceScores, TheFirstChoiceIsGreedy) {
  const infer::DecoderModel model = golden("olmoe");
  const std::vector<std::int32_t> context = {3, 4, 5};
  const auto best = best_of(plain_log_probabilities(model, context)[2]);
  const std::vector<ScoredSequence> sequences = {{{3, 4, 5, best}, 1}, {{3, 4, 5, (best + 1) % 320}, 1}};
  const auto scores = score_sequences(model, sequences, {});
  EXPECT_TRUE(scores[0].greedy);
  EXPECT_FALSE(scores[1].greedy);
}

TEST(SequenceScores, IdsOutsideTheVocabularyAreAnError) {
  const infer::DecoderModel model = golden("mixtral");
  EXPECT_THROW(score_sequences(model, std::vector<ScoredSequence>{{{1, 320}, 1}}, {}), UserError);
  EXPECT_THROW(score_sequences(model, std::vector<ScoredSequence>{{{320, 1}, 1}}, {}), UserError);
}

TEST(Perplexity, IsTheExponentOfTheMeanLoss) {
  const std::vector<ScoredSequence> windows = {{{1, 2, 3}, 2}, {{1, 2}, 1}};
  const std::vector<SequenceScore> scores = {{-2.0, false}, {-4.0, false}};
  EXPECT_DOUBLE_EQ(perplexity_of(windows, scores).value(), std::exp(2.0));
  EXPECT_EQ(perplexity_of(windows, scores).tokens, 3);
}

TEST(ModelComparison, OfAModelWithItself) {
  const infer::DecoderModel model = golden("qwen3-moe");
  const auto same = compare_models(model, model, some_sequences(), {});
  EXPECT_NEAR(same.kl_divergence, 0.0, kTolerance);
  EXPECT_DOUBLE_EQ(same.top1_agreement, 1.0);
  EXPECT_DOUBLE_EQ(same.first.loss, same.second.loss);
}

TEST(ModelComparison, AgreesWithPlainSums) {
  const infer::DecoderModel first = golden("mixtral"), second = golden("mixtral-bf16");
  const std::vector<ScoredSequence> windows = {{{1, 17, 40, 99, 5}, 4}, {{300, 2, 9, 11}, 3}};
  double kl = 0.0, agreeing = 0.0;
  for (const auto& window : windows) {
    const std::vector<std::int32_t> ids(window.ids.begin(), window.ids.end());
    const Rows a = plain_log_probabilities(first, ids), b = plain_log_probabilities(second, ids);
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
      for (std::size_t c = 0; c < a[i].size(); ++c) kl += std::exp(a[i][c]) * (a[i][c] - b[i][c]);
      agreeing += best_of(a[i]) == best_of(b[i]) ? 1 : 0;
    }
  }
  const auto comparison = compare_models(first, second, windows, {});
  EXPECT_NEAR(comparison.kl_divergence, kl / 7, 1e-6);
  EXPECT_GT(comparison.kl_divergence, 1e-7);  // rounded weights do differ
  EXPECT_GE(comparison.kl_divergence_max, comparison.kl_divergence);
  EXPECT_DOUBLE_EQ(comparison.top1_agreement, agreeing / 7);
  EXPECT_NEAR(comparison.second.loss, perplexity_of(windows, score_sequences(second, windows, {})).loss,
              1e-12);
}

}  // namespace
}  // namespace espalier
