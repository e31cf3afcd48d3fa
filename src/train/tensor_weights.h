#pragma once

#include <torch/types.h>

#include <vector>

#include "prune/criteria/layer_weights.h"

namespace espalier {

/// The weights of one MoE layer of a model that is trained, as they are when they are asked for.
class TensorWeights final : public LayerWeights {
 public:
  /// router [E, D]; experts: stacked tensors, each [E, ...]; `neurons` [E, rows, D] is the one of them whose
  /// rows are what neurons look at.
  TensorWeights(torch::Tensor router, std::vector<torch::Tensor> experts, torch::Tensor neurons)
      : router_(std::move(router)), experts_(std::move(experts)), neurons_(std::move(neurons)) {}

  std::vector<double> router_norms() const override;
  std::vector<double> expert_norms() const override;
  std::vector<double> neuron_norms() const override;

 private:
  torch::Tensor router_;
  std::vector<torch::Tensor> experts_;
  torch::Tensor neurons_;
};

}  // namespace espalier
