#pragma once

#include <optional>

namespace espalier {

/// Decoupled weight decay Adam (Loshchilov & Hutter 2019). The defaults are those of 2206.00277's
/// pre-training.
struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.98;
  double epsilon = 1e-6;
  double weight_decay = 0.01;  ///< not for biases and norms
  double clip_norm = 1.0;      ///< gradients' global 2-norm; 0: no clipping
  /// Given: stochastic gradient descent with this momentum, without weight decay, in AdamW's place.
  std::optional<double> momentum{};
};

}  // namespace espalier
