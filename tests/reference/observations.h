#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "artifacts/observations.h"

namespace espalier::reference {

/// What one token met in one MoE layer.
struct RoutedToken {
  std::vector<double> logits;                ///< [E]
  std::vector<double> scores;                ///< [E] alpha, summing to 1
  std::vector<int> chosen;                   ///< [K] best first
  std::vector<double> gates;                 ///< [K]
  std::vector<std::vector<double>> outputs;  ///< [K][D]
};

inline double norm(const std::vector<double>& values) {
  double squares = 0.0;
  for (const double value : values) squares += value * value;
  return std::sqrt(squares);
}

inline void add_slot(LayerObservations& layer, const RoutedToken& token, std::size_t slot) {
  const auto expert = static_cast<std::size_t>(token.chosen[slot]);
  const double gate = token.gates[slot], length = norm(token.outputs[slot]);
  layer.routed[expert] += 1;
  layer.gate_sum[expert] += gate;
  layer.norm_sum[expert] += length;
  layer.norm_max[expert] = std::max(layer.norm_max[expert], length);
  layer.weighted_norm_sum[expert] += gate * length;
  layer.weighted_norm_max[expert] = std::max(layer.weighted_norm_max[expert], gate * length);
  for (std::size_t d = 0; d < layer.width(); ++d) {
    layer.output_sum[expert * layer.width() + d] += token.outputs[slot][d];
  }
  for (const int other : token.chosen) {
    layer.together[expert * layer.experts() + static_cast<std::size_t>(other)] += 1;
  }
}

/// One token more: the definitions of docs/formats/observations.md as plain loops.
inline void add_token(LayerObservations& layer, const RoutedToken& token) {
  const std::size_t experts = layer.experts();
  layer.tokens += 1;
  layer.top1[static_cast<std::size_t>(token.chosen[0])] += 1;
  layer.top1_gate_sum[static_cast<std::size_t>(token.chosen[0])] += token.gates[0];
  for (std::size_t i = 0; i < experts; ++i) {
    layer.score_sum[i] += token.scores[i];
    layer.logit_sum[i] += token.logits[i];
    if (token.scores[i] > 0) layer.entropy_sum -= token.scores[i] * std::log(token.scores[i]);
    for (std::size_t j = 0; j < experts; ++j) {
      layer.logit_product_sum[i * experts + j] += token.logits[i] * token.logits[j];
    }
  }
  for (std::size_t slot = 0; slot < token.chosen.size(); ++slot) add_slot(layer, token, slot);
}

}  // namespace espalier::reference
