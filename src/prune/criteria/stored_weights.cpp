#include "prune/criteria/stored_weights.h"

#include <cmath>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "formats/find_weight.h"
#include "prune/criteria/norms.h"

namespace espalier {
namespace {

/// Whether the rows of a weight are what an expert's neurons look at: its first projection, with a gate both.
bool holds_neurons(std::string_view weight) {
  for (const std::string_view part : {"intermediate.", "w1.", "w3.", "gate_proj.", "up_proj.", "wi."})
    if (weight.find(part) != std::string_view::npos) return weight.ends_with("weight");
  return false;
}

/// The weight whose main tensor this is; none where it only scales or describes others.
std::optional<std::string> weight_of(const Checkpoint& checkpoint, const std::string& tensor) {
  formats::Place place = formats::place_of(checkpoint.weights(), checkpoint.tensor(tensor));
  return place.part > 0 ? std::nullopt : std::optional(std::move(place.weight));
}

/// Mean over the neurons of the 2-norms of their weights.
double mean_neuron_norm(const Checkpoint& checkpoint, const std::vector<std::string>& tensors) {
  double sum = 0.0;
  std::size_t neurons = 0;
  for (const std::string& name : tensors) {
    const auto weight = weight_of(checkpoint, name);
    if (!weight || !holds_neurons(*weight)) continue;
    for (const double square :
         square_sums(checkpoint, *weight, static_cast<std::size_t>(checkpoint.weight(*weight).rows))) {
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
  for (const std::string& name : layer_.stacked_tensors) {
    const auto weight = weight_of(checkpoint_, name);
    if (!weight) continue;
    const std::vector<double> parts = square_sums(checkpoint_, *weight, sums.size());
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += parts[i];
  }
  for (std::size_t i = 0; i < layer_.expert_tensors.size(); ++i) {
    for (const std::string& name : layer_.expert_tensors[i]) {
      if (const auto weight = weight_of(checkpoint_, name))
        sums[i] += square_sums(checkpoint_, *weight, 1).front();
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
