#pragma once

#include <vector>

#include "prune/criteria/criterion.h"

namespace espalier {

// Criteria of the weights alone. [E], higher = keep.

/// 2-norm of the expert's row in the router.
std::vector<double> router_norm(const LayerWeights& layer);
/// The norm's signed change since the reference (2405.16646: Delta_s). Throws UserError without one.
std::vector<double> router_norm_change(const LayerWeights& layer);
/// 2-norm over all weights and biases of the expert (2405.16646, a baseline there).
std::vector<double> magnitude(const LayerWeights& layer);
/// A permutation of 0 .. E-1 that depends on seed and layer.
/// Mean over the neurons r of ||w_r|| minus the same in the reference (2405.16646, a baseline; what a neuron
/// is, is our reading: a row of the first projection).
std::vector<double> neuron_change(const LayerWeights& layer);
std::vector<double> random_order(const LayerDraw& layer);

}  // namespace espalier
