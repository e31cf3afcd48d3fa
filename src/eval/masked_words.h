#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/progress.h"
#include "data/mlm_batches.h"
#include "infer/encoder.h"
#include "text/wordpiece.h"

namespace espalier {

/// How well a model restores masked pieces of a text.
struct MaskedWords {
  double loss = 0;             ///< mean cross-entropy, nats
  double accuracy = 0;         ///< share of the masked pieces whose logit is the highest
  std::int64_t predicted = 0;  ///< masked pieces
  std::int64_t tokens = 0;     ///< seen, special pieces included
};

/// Over whole batches until `tokens` tokens were seen or every sequence was seen once. The
/// masks are those of epoch 0: the same text, options and seed give the same masks.
MaskedWords evaluate_masked_words(const infer::EncoderModel& model, MlmBatches& batches, std::int64_t tokens,
                                  const ProgressSink& progress = {});

/// A text with one word masked, and what the model takes it for.
struct MaskedExample {
  struct Guess {
    std::string piece;
    double probability = 0;
  };
  std::string text;            ///< up to `kExampleWords` words either side of [MASK]
  std::string target;          ///< the piece that stood there
  std::vector<Guess> guesses;  ///< the most likely first
};
constexpr std::size_t kExampleWords = 12;

/// At most `count` examples, one of each of the first sequences that have a whole word among their masked
/// pieces. The other masked pieces are put back first.
std::vector<MaskedExample> masked_examples(const infer::EncoderModel& model, const WordPiece& tokenizer,
                                           MlmBatches& batches, std::size_t count, std::int64_t guesses);

}  // namespace espalier
