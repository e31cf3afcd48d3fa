#include "eval/sequence_scores.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <cmath>

#include "base/error.h"
#include "paths.h"

namespace espalier {
namespace {

constexpr double kTolerance = 1e-4;  // nats; sums of float32 in other orders

DecoderModel golden(const std::string& name) {
  return load_decoder(Checkpoint::open(source_dir() + "/tests/golden/" + name));
}

/// One sequence by itself, its probabilities in float64.
SequenceScore plain_score(const DecoderModel& model, const ScoredSequence& sequence) {
  const std::vector<std::int32_t> ids(sequence.ids.begin(), sequence.ids.end());
  const auto logits = decoder_logits(model, run_sequence(model, ids)).to(torch::kFloat64);
  const auto log_probabilities = logits.log_softmax(-1);
  SequenceScore score;
  const auto length = static_cast<std::int64_t>(ids.size());
  for (std::int64_t at = length - sequence.scored; at < length; ++at) {
    const std::int64_t id = sequence.ids[static_cast<std::size_t>(at)];
    score.log_likelihood += log_probabilities[at - 1][id].item<double>();
    score.greedy = score.greedy && logits[at - 1].argmax().item<std::int64_t>() == id;
  }
  return score;
}

std::vector<ScoredSequence> some_sequences() {
  return {{{1, 17, 40, 99, 5}, 3}, {{1, 17, 40, 99, 6}, 1}, {{7, 8}, 1},  {{1, 17, 40, 99, 7}, 1},
          {{300, 2, 9, 300}, 2},   {{5, 6, 7}, 0},          {{7, 319}, 1}};
}

TEST(SequenceScores, AreThoseOfEachSequenceByItself) {
  const torch::NoGradGuard no_gradients;
  const DecoderModel model = golden("mixtral");
  const auto sequences = some_sequences();
  const auto scores = score_sequences(model, sequences, {});
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const SequenceScore expected = plain_score(model, sequences[i]);
    EXPECT_NEAR(scores[i].log_likelihood, expected.log_likelihood, kTolerance) << i;
    EXPECT_EQ(scores[i].greedy, expected.greedy) << i;
  }
}

TEST(SequenceScores, TheFirstChoiceIsGreedy) {
  const torch::NoGradGuard no_gradients;
  const DecoderModel model = golden("olmoe");
  const std::vector<std::int32_t> context = {3, 4, 5};
  const auto best = decoder_logits(model, run_sequence(model, context))[2].argmax().item<std::int64_t>();
  const std::vector<ScoredSequence> sequences = {{{3, 4, 5, best}, 1}, {{3, 4, 5, (best + 1) % 320}, 1}};
  const auto scores = score_sequences(model, sequences, {});
  EXPECT_TRUE(scores[0].greedy);
  EXPECT_FALSE(scores[1].greedy);
}

TEST(SequenceScores, IdsOutsideTheVocabularyAreAnError) {
  const DecoderModel model = golden("mixtral");
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
  const DecoderModel model = golden("qwen3-moe");
  const auto same = compare_models(model, model, some_sequences(), {});
  EXPECT_NEAR(same.kl_divergence, 0.0, kTolerance);
  EXPECT_DOUBLE_EQ(same.top1_agreement, 1.0);
  EXPECT_DOUBLE_EQ(same.first.loss, same.second.loss);
}

TEST(ModelComparison, AgreesWithPlainSums) {
  const torch::NoGradGuard no_gradients;
  const DecoderModel first = golden("mixtral"), second = golden("mixtral-bf16");
  const std::vector<ScoredSequence> windows = {{{1, 17, 40, 99, 5}, 4}, {{300, 2, 9, 11}, 3}};
  double kl = 0.0, agreeing = 0.0;
  for (const auto& window : windows) {
    const std::vector<std::int32_t> ids(window.ids.begin(), window.ids.end());
    const auto a = decoder_logits(first, run_sequence(first, ids)).to(torch::kFloat64).log_softmax(-1);
    const auto b = decoder_logits(second, run_sequence(second, ids)).to(torch::kFloat64).log_softmax(-1);
    const auto positions = static_cast<std::int64_t>(ids.size()) - 1;
    kl += (a.exp() * (a - b)).sum(-1).narrow(0, 0, positions).sum().item<double>();
    agreeing += a.argmax(-1).eq(b.argmax(-1)).narrow(0, 0, positions).sum().item<double>();
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
