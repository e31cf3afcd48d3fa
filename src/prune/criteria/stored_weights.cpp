#include "prune/criteria/stored_weights.h"

#include <cmath>
#include <string>
#include <string_view>

#include "base/error.h"
#include "formats/find_weight.h"
#include "prune/criteria/norms.h"

namespace espalier {
namespace {

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

std::vector<double> StoredWeights::router_norms() const {
  const auto rows = static_cast<std::size_t>(checkpoint_.tensor(layer_.router).shape[0]);
  const std::vector<double> squares = square_sums(checkpoint_, layer_.router, rows);
  std::vector<double> norms;
  for (std::size_t e = 0; e < static_cast<std::size_t>(layer_.num_experts); ++e)
    norms.push_back(
        std::sqrt(squares[layer_.router_rows.empty() ? e : static_cast<std::size_t>(layer_.router_rows[e])]));
  return norms;
}

std::vector<double> StoredWeights::expert_norms() const {
  std::vector<double> sums(static_cast<std::size_t>(layer_.num_experts), 0.0);
  const auto only_scales = [&](const std::string& name) {  // applied with the weights they stand beside
    return formats::place_of(checkpoint_.weights(), checkpoint_.tensor(name)).part > 0;
  };
  for (const std::string& name : layer_.stacked_tensors) {
    if (only_scales(name)) continue;
    const std::vector<double> parts = square_sums(checkpoint_, name, sums.size());
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += parts[i];
  }
  for (std::size_t i = 0; i < layer_.expert_tensors.size(); ++i) {
    for (const std::string& name : layer_.expert_tensors[i]) {
      if (!only_scales(name)) sums[i] += square_sums(checkpoint_, name, 1).front();
    }
  }
  for (double& sum : sums) sum = std::sqrt(sum);
  return sums;
}

std::vector<double> StoredWeights::neuron_norms() const {
  if (layer_.expert_tensors.empty())
    throw UserError("neuron_change: this family stacks the experts in one tensor",
                    "score it by router_norm_change");
  std::vector<double> norms;
  for (const std::vector<std::string>& tensors : layer_.expert_tensors)
    norms.push_back(mean_neuron_norm(checkpoint_, tensors));
  return norms;
}

}  // namespace espalier
