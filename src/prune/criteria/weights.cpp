#include "prune/criteria/weights.h"

#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/rng.h"
#include "prune/criteria/norms.h"

namespace espalier {
namespace {

std::vector<double> row_norms(const Checkpoint& checkpoint, const MoeLayerTensors& layer) {
  const auto rows = static_cast<std::size_t>(checkpoint.tensor(layer.router).shape[0]);
  const std::vector<double> squares = square_sums(checkpoint, layer.router, rows);
  std::vector<double> norms;
  for (std::size_t e = 0; e < static_cast<std::size_t>(layer.num_experts); ++e)
    norms.push_back(
        std::sqrt(squares[layer.router_rows.empty() ? e : static_cast<std::size_t>(layer.router_rows[e])]));
  return norms;
}

}  // namespace

std::vector<double> router_norm(const LayerWeights& layer) {
  return row_norms(layer.checkpoint, layer.layer);
}

std::vector<double> router_norm_change(const LayerWeights& layer) {
  if (layer.reference == nullptr || layer.reference_layer == nullptr) {
    throw UserError("router_norm_change needs the model before fine-tuning", "name it with --reference");
  }
  std::vector<double> change = router_norm(layer);
  const std::vector<double> before = row_norms(*layer.reference, *layer.reference_layer);
  for (std::size_t i = 0; i < change.size(); ++i) change[i] -= before.at(i);
  return change;
}

std::vector<double> magnitude(const LayerWeights& layer) {
  std::vector<double> sums(static_cast<std::size_t>(layer.layer.num_experts), 0.0);
  const auto only_scales = [&](const std::string& name) {  // applied with the weights they stand beside
    return parameters_of(layer.checkpoint.tensor(name), packed_bits(layer.checkpoint.config())) == 0;
  };
  for (const std::string& name : layer.layer.stacked_tensors) {
    if (only_scales(name)) continue;
    const std::vector<double> parts = square_sums(layer.checkpoint, name, sums.size());
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += parts[i];
  }
  for (std::size_t i = 0; i < layer.layer.expert_tensors.size(); ++i) {
    for (const std::string& name : layer.layer.expert_tensors[i]) {
      if (!only_scales(name)) sums[i] += square_sums(layer.checkpoint, name, 1).front();
    }
  }
  for (double& sum : sums) sum = std::sqrt(sum);
  return sums;
}

std::vector<double> random_order(const LayerDraw& layer) {
  std::vector<double> scores(layer.experts);
  std::iota(scores.begin(), scores.end(), 0.0);
  Rng rng(layer.seed, static_cast<std::uint64_t>(layer.layer));
  for (std::size_t i = scores.size(); i > 1; --i) std::swap(scores[i - 1], scores[rng.below(i)]);
  return scores;
}

}  // namespace espalier
