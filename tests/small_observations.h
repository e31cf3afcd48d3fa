#pragma once

#include <numeric>
#include <vector>

#include "artifacts/observations.h"
#include "base/rng.h"
#include "reference/observations.h"

namespace espalier::fixtures {

// Random calibration runs of a small model: MoE layers 1 and 3, 4 experts, top-2, width 3. All numbers are
// fractions of a power of two, so that sums are exact in any order (the entropy aside: shares are 1/4 each).

constexpr int kObservedLayers[] = {1, 3};
constexpr std::size_t kObservedExperts = 4, kObservedWidth = 3;
constexpr int kObservedTopK = 2;

inline double dyadic(Rng& rng) {
  return static_cast<double>(rng.below(64)) / 16;
}

inline reference::RoutedToken random_token(Rng& rng) {
  reference::RoutedToken token;
  std::vector<int> experts(kObservedExperts);
  std::iota(experts.begin(), experts.end(), 0);
  for (std::size_t i = 0; i < kObservedExperts; ++i) {
    std::swap(experts[i], experts[i + rng.below(kObservedExperts - i)]);
    token.logits.push_back(dyadic(rng) - 2);
    token.scores.push_back(1.0 / kObservedExperts);
  }
  token.chosen.assign(experts.begin(), experts.begin() + kObservedTopK);
  token.gates = {0.75, 0.25};
  for (int slot = 0; slot < kObservedTopK; ++slot) {
    std::vector<double> output(kObservedWidth, 0.0);
    output[rng.below(kObservedWidth)] = dyadic(rng) - 2;  // one value: its norm is exact
    token.outputs.push_back(output);
  }
  return token;
}

inline Observations empty_observations() {
  Observations observations;
  observations.model = "small";
  observations.model_type = "mixtral";
  observations.topology_sha256 = std::string(64, 'a');
  observations.experts_per_token = kObservedTopK;
  observations.version = "0.0.0";
  for (const int layer : kObservedLayers) {
    observations.layers.emplace_back(layer, kObservedExperts, kObservedWidth);
    observations.layers.back().expert_bytes = 1000;
  }
  return observations;
}

inline void observe(Observations& observations, const std::vector<reference::RoutedToken>& tokens) {
  for (LayerObservations& layer : observations.layers) {
    for (const reference::RoutedToken& token : tokens) reference::add_token(layer, token);
  }
}

inline std::vector<reference::RoutedToken> random_tokens(Rng& rng, std::size_t count) {
  std::vector<reference::RoutedToken> tokens;
  for (std::size_t i = 0; i < count; ++i) tokens.push_back(random_token(rng));
  return tokens;
}

/// A run over `count` random tokens, with data, token use, an example and a text.
inline Observations small_observations(std::uint64_t seed = 1, std::size_t count = 50) {
  Rng rng(seed);
  Observations observations = empty_observations();
  observe(observations, random_tokens(rng, count));
  observations.data.push_back({"text.txt", std::string(64, 'b'), seed, 1, 50, 50, 1.0});
  observations.token_use.push_back(17, 1, 0, 3);
  observations.token_use.push_back(17, 1, 2, 3);
  observations.token_use.push_back(5, 3, 1, 2);
  observations.examples.push_back({1, 2, 17, 0, 0, 31, 0.75, "the old ", " of the"});
  observations.token_text[17] = "house";
  return observations;
}

}  // namespace espalier::fixtures
