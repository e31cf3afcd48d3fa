#include "prune/criteria/activation.h"

#include <cmath>

namespace espalier {

std::vector<double> ean_sum(const LayerObservations& layer) {
  std::vector<double> scores = layer.norm_sum;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (layer.routed[i] <= 0) scores[i] = std::nan("");
  }
  return scores;
}

std::vector<double> ean_mean(const LayerObservations& layer) {
  std::vector<double> scores = ean_sum(layer);
  for (std::size_t i = 0; i < scores.size(); ++i) scores[i] /= layer.routed[i];
  return scores;
}

std::vector<double> reap(const LayerObservations& layer) {
  std::vector<double> scores(layer.experts(), std::nan(""));
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (layer.routed[i] > 0) scores[i] = layer.weighted_norm_sum[i] / layer.routed[i];
  }
  return scores;
}

}  // namespace espalier
