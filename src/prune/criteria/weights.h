#pragma once

#include <vector>

#include "prune/criteria/criterion.h"

namespace espalier {

// Criteria of the weights alone. [E], higher = keep. Those that compare take the same of a reference away
// (`weight_scores`).

/// 2-norm of the expert's row in the router. Its signed change since the model before fine-tuning is Delta_s
/// of 2405.16646.
std::vector<double> router_norm(const LayerWeights& layer);
/// 2-norm over all weights and biases of the expert (2405.16646, a baseline there).
std::vector<double> magnitude(const LayerWeights& layer);
/// Mean over the neurons r of ||w_r||; its change is a baseline of 2405.16646 (what a neuron is, is our
/// reading).
std::vector<double> neuron_norm(const LayerWeights& layer);
/// A permutation of 0 .. E-1 that depends on seed and layer.
std::vector<double> random_order(const LayerDraw& layer);

}  // namespace espalier
