#pragma once

#include "moe/router.h"

namespace espalier {

/// A Mixture-of-Experts feed-forward layer: y = sum over the chosen i of alpha_i(x) Exp_i(x) (2206.00277 eq.
/// 2).
struct MoeLayer {
  torch::Tensor router;   // [E, D]
  ExpertWeights experts;  // stacked
};

struct MoeOutput {
  torch::Tensor y;  // [N, D]
  Routing routing;
};

/// x [N, D]. Tokens without an accepted expert get zero.
MoeOutput forward(const Ops& ops, const MoeLayer& layer, const torch::Tensor& x, const RouterOptions& options,
                  std::uint64_t key);

}  // namespace espalier
