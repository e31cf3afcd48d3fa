#include "train/surviving_rows.h"

#include <torch/utils.h>

#include <algorithm>
#include <vector>

namespace espalier::train {
namespace {

/// An expert's tensor with its neurons in the order that a merge gives them.
torch::Tensor in_order(const torch::Tensor& of_expert, const ExpertMerge& merge, std::size_t i,
                       std::optional<std::int64_t> axis) {
  if (!axis || merge.neurons.empty() || merge.neurons[i].empty()) return of_expert;
  const auto F = static_cast<std::int64_t>(merge.neurons[i].size());
  std::vector<std::int64_t> order;
  for (std::int64_t block = 0; block < of_expert.size(*axis); block += F)
    for (const int neuron : merge.neurons[i]) order.push_back(block + neuron);
  return of_expert.index_select(*axis, torch::tensor(order, torch::kInt64).to(of_expert.device()));
}

}  // namespace

torch::Tensor surviving_rows(const torch::Tensor& stacked, const LayerPlan& layer,
                             std::optional<std::int64_t> neurons) {
  const std::vector<std::int64_t> keep(layer.keep.begin(), layer.keep.end());
  auto kept = stacked.detach().index_select(0, torch::tensor(keep, torch::kInt64).to(stacked.device()));
  for (const auto& merge : layer.merge) {
    const auto row = std::find(layer.keep.begin(), layer.keep.end(), merge.into) - layer.keep.begin();
    auto sum = torch::zeros_like(kept[row]);
    for (std::size_t i = 0; i < merge.from.size(); ++i)
      sum += merge.weights[i] * in_order(stacked.detach()[merge.from[i]], merge, i, neurons);
    kept[row] = sum;
  }
  return kept;
}

}  // namespace espalier::train
