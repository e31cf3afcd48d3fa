#pragma once

#include <vector>

#include "moe/router.h"

namespace espalier {

/// A Mixture-of-Experts feed-forward layer: y = sum over the chosen i of alpha_i(x) Exp_i(x) (2206.00277 eq.
/// 2), whoever chooses.
struct MoeLayer {
  torch::Tensor router;   // [E, D]; [rows, D] where pruned experts left their rows behind
  ExpertWeights experts;  // stacked
  /// Expert of each row of the router, -1 where it was pruned: tokens that are sent there get zero from it.
  /// Empty: row e is expert e's.
  std::vector<std::int32_t> expert_of_row{};
  /// [rows without an expert, D] what tokens get from them instead of zero, in ascending rows: constants, the
  /// mean outputs of the experts that were there (MoNE, 2025). Undefined: zero.
  torch::Tensor novices{};
};

struct MoeOutput {
  torch::Tensor y;  // [N, D]
  Routing routing;  // in the router's rows
};

/// x [N, D]. Tokens without an accepted expert get zero.
MoeOutput forward(const Ops& ops, const MoeLayer& layer, const torch::Tensor& x, const RouterOptions& options,
                  std::uint64_t key);

/// An efficient ensemble (Allingham et al. 2022): x holds the tokens of `members` members one after another,
/// equally many, and the tokens of member m may use the m-th part of the router's rows only. The softmax, K
/// and the capacity are each member's own. The routing has all rows, with probability 0 (logits minus
/// infinity) outside a member's; `parts` are the members' routings by themselves.
struct EnsembleOutput {
  torch::Tensor y;  // [N, D]
  Routing routing;
  std::vector<Routing> parts;
};
EnsembleOutput forward_ensemble(const Ops& ops, const MoeLayer& layer, const torch::Tensor& x,
                                std::int64_t members, const RouterOptions& options, std::uint64_t key);

}  // namespace espalier
