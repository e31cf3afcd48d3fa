#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "infer/decoder_forward.h"

namespace espalier::infer {

struct SamplingOptions {
  double temperature = 0.0;  ///< 0: the most probable token (ties: the smaller id)
  double top_p =
      1.0;  ///< of the fewest tokens that have at least this probability together (Holtzman et al. 2020)
  std::uint64_t seed = 42;  ///< the draw of token i depends on it and i alone
};

/// Draws from logits [V] of position `index`.
std::int32_t sample(std::span<const float> logits, const SamplingOptions& options, std::uint64_t index);

/// A model that continues one text: keys and values of all tokens so far are kept, so that each new token
/// runs alone. Weights are widened to float32 once where they take no more than `most_bytes`; else they are
/// read again for every token.
class Generation {
 public:
  Generation(const DecoderModel& model, std::int64_t positions, std::uint64_t most_bytes);
  ~Generation();

  /// Appends tokens (at least one; together no more than `positions`) and returns the logits [V] after the
  /// last. Throws UserError for ids outside the vocabulary.
  std::vector<float> append(std::span<const std::int32_t> ids);
  std::int64_t length() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Continues `prompt` by at most `count` tokens, until an id that `stops` names; `emit` sees each (not the
/// stop). Throws Interrupted after Ctrl-C.
std::vector<std::int32_t> generate(Generation& generation, std::span<const std::int32_t> prompt,
                                   std::int64_t count, std::span<const std::int32_t> stops,
                                   const SamplingOptions& sampling,
                                   const std::function<void(std::int32_t)>& emit = {});

}  // namespace espalier::infer
