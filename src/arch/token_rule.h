#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "artifacts/router_config.h"

namespace espalier {

/// Room for one token's scores.
struct TokenRuleScratch {
  std::vector<float> scores, ranked;  // [E]
};

/// Top-k routing of one token by any of the rules that `RouterConfig` can tell, in float32: from logits [E]
/// to alpha [E] (scores that sum to 1, without correction bias and groups), the chosen experts [K], best
/// first, ties to the smaller index, and their gates [K]. `bias`: [E], or empty.
void choose_for_token(const RouterConfig& config, std::span<const float> logits, std::span<const float> bias,
                      TokenRuleScratch& scratch, std::span<float> alpha, std::span<std::int32_t> chosen,
                      std::span<float> gates);

/// The indices of the largest scores, best first; ties keep the smaller index. `chosen` is no longer than
/// `scores`.
void best_of(std::span<const float> scores, std::span<std::int32_t> chosen);

}  // namespace espalier
