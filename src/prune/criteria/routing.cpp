#include "prune/criteria/routing.h"

#include <cmath>
#include <numeric>

namespace espalier {
namespace {

/// [E] `value(i)` of the experts that got a token, NaN for the others.
template <typename Value>
std::vector<double> of_routed(const LayerObservations& layer, Value value) {
  std::vector<double> scores(layer.experts(), std::nan(""));
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (layer.routed[i] > 0) scores[i] = value(i);
  }
  return scores;
}

}  // namespace

std::vector<double> frequency(const LayerObservations& layer) {
  return of_routed(layer, [&](std::size_t i) { return layer.routed[i]; });
}

std::vector<double> hit_rate(const LayerObservations& layer) {
  const double pairs = std::accumulate(layer.routed.begin(), layer.routed.end(), 0.0);
  return of_routed(layer, [&](std::size_t i) { return layer.routed[i] / pairs; });
}

std::vector<double> mean_gate(const LayerObservations& layer) {
  return of_routed(layer, [&](std::size_t i) { return layer.gate_sum[i] / layer.tokens; });
}

std::vector<double> alpha(const LayerObservations& layer) {
  std::vector<double> scores;
  for (const double sum : layer.score_sum)
    scores.push_back(layer.tokens > 0 ? sum / layer.tokens : std::nan(""));
  return scores;
}

std::vector<double> importance(const LayerObservations& layer) {
  return of_routed(layer, [&](std::size_t i) {
    if (layer.top1[i] <= 0) return 0.0;
    return layer.top1[i] / layer.tokens * std::exp(layer.top1_gate_sum[i] / layer.top1[i]);
  });
}

}  // namespace espalier
