#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "artifacts/observations.h"
#include "base/rng.h"
#include "reference/similarity.h"

namespace espalier::fixtures {

using Rows = std::vector<std::vector<double>>;  // [tokens][E]

/// Single tokens as an observer would keep them, by definition.
inline TokenSamples samples_of(const reference::Outputs& outputs, const Rows& logits, const Rows& gates) {
  TokenSamples samples;
  for (std::size_t n = 0; n < outputs[0].size(); ++n) {
    samples.weight.push_back(1);
    for (const double h : logits[n]) samples.logits.push_back(static_cast<float>(h));
    for (const double g : gates[n]) samples.gates.push_back(static_cast<float>(g));
    for (std::size_t i = 0; i < outputs.size(); ++i)
      for (std::size_t j = i; j < outputs.size(); ++j)
        samples.products.push_back(static_cast<float>(reference::dot(outputs[i][n], outputs[j][n])));
  }
  return samples;
}

/// Softmax, top-k, normalised or not: gates [E], 0 where not chosen, among `kept` (all if empty).
inline std::vector<double> gates_of_token(const RouterConfig& router, const std::vector<double>& logits,
                                          const std::vector<bool>& kept = {}) {
  const auto alive = [&](std::size_t e) { return kept.empty() || kept[e]; };
  std::vector<double> alpha(logits.size(), 0.0), gates(logits.size(), 0.0);
  double sum = 0, chosen_sum = 0;
  for (std::size_t e = 0; e < logits.size(); ++e)
    if (alive(e)) sum += alpha[e] = std::exp(logits[e]);
  for (double& a : alpha) a /= sum;
  for (std::int64_t k = 0; k < router.experts_per_token; ++k) {
    std::size_t best = logits.size();
    for (std::size_t e = 0; e < logits.size(); ++e)
      if (alive(e) && gates[e] == 0 && (best == logits.size() || alpha[e] > alpha[best])) best = e;
    if (best == logits.size()) break;
    chosen_sum += gates[best] = alpha[best];
  }
  for (double& g : gates) g /= router.normalise ? chosen_sum : 1.0;
  return gates;
}

inline Rows gates_by(const RouterConfig& router, const Rows& logits) {
  Rows gates;
  for (const auto& token : logits) gates.push_back(gates_of_token(router, token));
  return gates;
}

/// Random outputs [E][N][D] that share a part, so that experts are alike to different degrees.
inline reference::Outputs random_outputs(Rng& rng, std::size_t E, std::size_t N, std::size_t D) {
  reference::Outputs outputs(E, std::vector<std::vector<double>>(N, std::vector<double>(D)));
  for (std::size_t n = 0; n < N; ++n) {
    for (std::size_t d = 0; d < D; ++d) {
      const double shared = rng.normal();
      for (std::size_t e = 0; e < E; ++e)
        outputs[e][n][d] = rng.normal() + shared * static_cast<double>(e % 3) + 0.5;
    }
  }
  return outputs;
}

}  // namespace espalier::fixtures
