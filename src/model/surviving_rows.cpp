#include "model/surviving_rows.h"

#include <torch/utils.h>

#include <algorithm>

namespace espalier {

torch::Tensor surviving_rows(const torch::Tensor& stacked, const LayerPlan& layer) {
  const std::vector<std::int64_t> keep(layer.keep.begin(), layer.keep.end());
  auto kept = stacked.detach().index_select(0, torch::tensor(keep, torch::kInt64).to(stacked.device()));
  for (const auto& merge : layer.merge) {
    const auto row = std::find(layer.keep.begin(), layer.keep.end(), merge.into) - layer.keep.begin();
    auto sum = torch::zeros_like(kept[row]);
    for (std::size_t i = 0; i < merge.from.size(); ++i)
      sum += merge.weights[i] * stacked.detach()[merge.from[i]];
    kept[row] = sum;
  }
  return kept;
}

}  // namespace espalier
