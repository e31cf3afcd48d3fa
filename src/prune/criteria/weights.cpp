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

/// Whether the rows of a matrix are what an expert's neurons look at: its first projection, with a gate both.
bool holds_neurons(std::string_view name) {
  for (const std::string_view part : {"intermediate.", "w1.", "w3.", "gate_proj.", "up_proj.", "wi."})
    if (name.find(part) != std::string_view::npos) return name.ends_with("weight");
  return false;
}

/// Mean over the neurons of the 2-norms of their weights.
double mean_neuron_norm(const Checkpoint& checkpoint, const std::vector<std::string>& tensors) {
  double sum = 0.0;
  std::size_t neurons = 0;
  for (const std::string& name : tensors) {
    if (!holds_neurons(name)) continue;
    for (const double square :
         square_sums(checkpoint, name, static_cast<std::size_t>(checkpoint.tensor(name).shape[0]))) {
      sum += std::sqrt(square);
      ++neurons;
    }
  }
  return neurons == 0 ? 0.0 : sum / static_cast<double>(neurons);
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
    return formats::place_of(layer.checkpoint.weights(), layer.checkpoint.tensor(name)).part > 0;
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

std::vector<double> neuron_change(const LayerWeights& layer) {
  if (layer.reference == nullptr || layer.reference_layer == nullptr)
    throw UserError("neuron_change needs the model before fine-tuning", "name it with --reference");
  std::vector<double> scores;
  for (std::size_t e = 0; e < layer.layer.expert_tensors.size(); ++e) {
    const double after = mean_neuron_norm(layer.checkpoint, layer.layer.expert_tensors[e]);
    scores.push_back(after - mean_neuron_norm(*layer.reference, layer.reference_layer->expert_tensors.at(e)));
  }
  if (scores.empty())
    throw UserError("neuron_change: this family stacks the experts in one tensor",
                    "score it by router_norm_change");
  return scores;
}

std::vector<double> random_order(const LayerDraw& layer) {
  std::vector<double> scores(layer.experts);
  std::iota(scores.begin(), scores.end(), 0.0);
  Rng rng(layer.seed, static_cast<std::uint64_t>(layer.layer));
  for (std::size_t i = scores.size(); i > 1; --i) std::swap(scores[i - 1], scores[rng.below(i)]);
  return scores;
}

}  // namespace espalier
