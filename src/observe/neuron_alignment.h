#pragma once

#include <vector>

#include "infer/gated_ffn.h"

namespace espalier {

/// Which neuron of `b` stands for each of `a`: [F]. A neuron is its row of gate and up and its column of
/// down; the permutation makes the sum of their inner products as large as possible (prune/assignment.h). An
/// expert with its neurons in another order is the same function (Entezari et al. 2022, arXiv 2110.06296).
struct NeuronAlignment {
  std::vector<int> order;
  double product = 0;  ///< <a, b in that order> over all weights
};
NeuronAlignment align_neurons(const infer::GatedFfn& a, const infer::GatedFfn& b);

/// Sum of the squares of all weights.
double square_sum(const infer::GatedFfn& ffn);

}  // namespace espalier
