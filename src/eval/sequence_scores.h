#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/choice_task.h"
#include "infer/decoder_stream.h"

namespace espalier {

/// How probable a model finds the last `scored` tokens of a sequence, each after all before it.
struct SequenceScore {
  double log_likelihood = 0.0;  ///< nats, their sum
  bool greedy = true;           ///< each is the model's first choice
};

/// Streams all sequences through the model, one block at a time. Sequences that differ in their last token
/// only (the letters of a question) share one forward pass. Throws UserError for ids outside the vocabulary,
/// Interrupted after Ctrl-C.
std::vector<SequenceScore> score_sequences(const infer::DecoderModel& model,
                                           std::span<const ScoredSequence> sequences,
                                           const infer::StreamOptions& options);

struct Perplexity {
  double loss = 0.0;  ///< nats a token
  std::int64_t tokens = 0;
  double value() const;  ///< exp(loss)
};
Perplexity perplexity_of(std::span<const ScoredSequence> windows, std::span<const SequenceScore> scores);

/// Two models on the same tokens.
struct ModelComparison {
  double kl_divergence = 0.0;      ///< mean over positions of KL(first || second), nats
  double kl_divergence_max = 0.0;  ///< of one position
  double top1_agreement = 0.0;     ///< share of positions with the same first choice
  Perplexity first, second;
};

/// At every scored token of the windows. The two have the same vocabulary; throws UserError otherwise.
ModelComparison compare_models(const infer::DecoderModel& first, const infer::DecoderModel& second,
                               std::span<const ScoredSequence> windows, const infer::StreamOptions& options);

}  // namespace espalier
