#include "prune/merge_weights.h"

#include <fmt/format.h>

#include <numeric>

#include "base/error.h"
#include "base/nearest.h"
#include "prune/least_squares.h"

namespace espalier {
namespace {

std::vector<double> equal(std::size_t members) {
  return std::vector<double>(members, 1.0 / static_cast<double>(members));
}

GroupWeights uniform(const LayerObservations& /*layer*/, const ExpertGroups& groups) {
  GroupWeights result{{}, std::vector<std::string>(groups.size())};
  for (const std::vector<int>& group : groups) result.weights.push_back(equal(group.size()));
  return result;
}

/// Shares of `use` within each group.
GroupWeights shares(const LayerObservations& layer, const std::vector<double>& use,
                    const ExpertGroups& groups, std::string_view rule) {
  if (layer.tokens <= 0)
    throw UserError(fmt::format("--weights {}: the observations are without tokens", rule),
                    "observe with --data, or pass --weights uniform");
  GroupWeights result{{}, std::vector<std::string>(groups.size())};
  for (std::size_t g = 0; g < groups.size(); ++g) {
    double sum = 0;
    for (const int expert : groups[g]) sum += use[static_cast<std::size_t>(expert)];
    if (sum <= 0) {
      if (groups[g].size() > 1) result.fallback[g] = "never routed: uniform weights";
      result.weights.push_back(equal(groups[g].size()));
      continue;
    }
    std::vector<double>& weights = result.weights.emplace_back();
    for (const int expert : groups[g]) weights.push_back(use[static_cast<std::size_t>(expert)] / sum);
  }
  return result;
}

GroupWeights frequency(const LayerObservations& layer, const ExpertGroups& groups) {
  return shares(layer, layer.routed, groups, "frequency");
}

GroupWeights mean_gate(const LayerObservations& layer, const ExpertGroups& groups) {
  return shares(layer, layer.gate_sum, groups, "mean_gate");
}

GroupWeights least_squares(const LayerObservations& layer, const ExpertGroups& groups) {
  if (!layer.samples || layer.samples->tokens() == 0)
    throw UserError(fmt::format("layer {}: --weights least_squares needs single tokens", layer.layer),
                    "observe with --keep-tokens 1024");
  const auto solved = least_squares_weights(*layer.samples, layer.experts(), groups);
  GroupWeights result = frequency(layer, groups);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (solved[g].empty()) {
      if (groups[g].size() > 1 && result.fallback[g].empty())
        result.fallback[g] = "least squares are rank-deficient: weights by frequency";
      continue;
    }
    result.weights[g] = solved[g];
    result.fallback[g].clear();
  }
  return result;
}

constexpr MergeWeighting kWeightings[] = {
    {"uniform", "one over the number of experts in the group", uniform},
    {"frequency", "shares of the group's routed tokens", frequency},
    {"mean_gate", "shares of the group's gates", mean_gate},
    {"least_squares", "those that come closest to the layer's output on kept tokens", least_squares},
};

}  // namespace

std::span<const MergeWeighting> merge_weightings() {
  return kWeightings;
}

const MergeWeighting& find_merge_weighting(std::string_view name) {
  return find_named(merge_weightings(), "--weights", name);
}

}  // namespace espalier
