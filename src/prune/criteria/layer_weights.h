#pragma once

#include <vector>

namespace espalier {

/// What criteria ask of the weights of one MoE layer, wherever they are: in a checkpoint's files
/// (prune/criteria/stored_weights.h), or in a model that is being trained.
class LayerWeights {
 public:
  virtual ~LayerWeights() = default;

  /// [E] 2-norm of each expert's row of the router.
  virtual std::vector<double> router_norms() const = 0;
  /// [E] 2-norm over all weights and biases of each expert.
  virtual std::vector<double> expert_norms() const = 0;
  /// [E] mean over the neurons of each expert of the 2-norms of their weights. A neuron is a row of the
  /// expert's first projection, with a gate of both.
  virtual std::vector<double> neuron_norms() const = 0;
};

}  // namespace espalier
