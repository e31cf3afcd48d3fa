#pragma once

#include <torch/types.h>

#include <cstdint>

#include "arch/decoder_config.h"
#include "arch/token_rule.h"

namespace espalier {

/// What a decoder's router decided for N tokens (no gradients).
struct TokenChoice {
  torch::Tensor logits;  // [N, E] float32
  torch::Tensor alpha;   // [N, E] float32: scores that sum to 1, without correction bias and groups
  torch::Tensor chosen;  // [N, K] int32, best first, ties to the smaller index
  torch::Tensor gates;   // [N, K] float32, what the experts' outputs are multiplied with

  std::int64_t tokens() const { return chosen.size(0); }
  std::int64_t slots() const { return chosen.size(1); }
  std::int64_t experts() const { return logits.size(1); }
};

/// Top-k routing by any of the rules that `RouterConfig` can tell, in float32. logits [N, E]; correction_bias
/// [E] or undefined.
TokenChoice choose_experts(const torch::Tensor& logits, const RouterConfig& config,
                           const torch::Tensor& correction_bias);

}  // namespace espalier
