#pragma once

#include <vector>

#include "train/router.h"
#include "train/transformer.h"

namespace espalier::train {

struct MoeOutput {
  torch::Tensor y;  // [N, D]
  Routing routing;  // in the router's rows
  /// Of an ensemble: the members' routings by themselves.
  std::vector<Routing> parts;
};

/// The routed experts of a Mixture-of-Experts layer: y = sum over the chosen i of gate_i(x) Exp_i(x)
/// (2206.00277 eq. 2), whoever chooses. x [N, D]. Tokens without an accepted expert, and rows of the router
/// without one, give zero, or the row's novice: a constant, the mean output of the expert that was there
/// (MoNE, 2025).
///
/// With `members` > 1 an efficient ensemble (Allingham et al. 2022): x holds the tokens of the members one
/// after another, equally many, and the tokens of member m may use the m-th part of the router's rows only.
/// The softmax, K and the capacity are each member's own. The routing has all rows, with probability 0
/// (logits minus infinity) outside a member's.
///
/// `expert_of_row` [rows]: -1 where the expert is gone; empty: row e is expert e's. The tap is shown the rows
/// of all tokens that were routed to an expert, also of those for which it had no place.
MoeOutput routed_experts(const Ops& ops, const MoeWeights& moe,
                         const std::vector<std::int32_t>& expert_of_row, const torch::Tensor& x,
                         std::int64_t members, const RouterOptions& options, std::uint64_t key,
                         const ExpertOutputsTap& tap = {});

/// Expert of each row of a router, empty where every row has one.
std::vector<std::int32_t> expert_of_row(const arch::Router& router);

}  // namespace espalier::train
