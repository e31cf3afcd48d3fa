#include "prune/criteria/weights.h"

#include <numeric>
#include <utility>

#include "base/rng.h"

namespace espalier {

std::vector<double> router_norm(const LayerWeights& layer) {
  return layer.router_norms();
}

std::vector<double> magnitude(const LayerWeights& layer) {
  return layer.expert_norms();
}

std::vector<double> neuron_norm(const LayerWeights& layer) {
  return layer.neuron_norms();
}

std::vector<double> random_order(const LayerDraw& layer) {
  std::vector<double> scores(layer.experts);
  std::iota(scores.begin(), scores.end(), 0.0);
  Rng rng(layer.seed, static_cast<std::uint64_t>(layer.layer));
  for (std::size_t i = scores.size(); i > 1; --i) std::swap(scores[i - 1], scores[rng.below(i)]);
  return scores;
}

}  // namespace espalier
