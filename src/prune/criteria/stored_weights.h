#pragma once

#include "arch/topology.h"
#include "checkpoint/checkpoint.h"
#include "prune/criteria/layer_weights.h"

namespace espalier {

/// The weights of one MoE layer in a checkpoint's files, read one tensor at a time. Valid while both live.
class StoredWeights final : public LayerWeights {
 public:
  StoredWeights(const Checkpoint& checkpoint, const MoeLayerTensors& layer)
      : checkpoint_(checkpoint), layer_(layer) {}

  std::vector<double> router_norms() const override;
  std::vector<double> expert_norms() const override;
  /// Throws UserError for families that stack the experts in one tensor.
  std::vector<double> neuron_norms() const override;

 private:
  const Checkpoint& checkpoint_;
  const MoeLayerTensors& layer_;
};

}  // namespace espalier
