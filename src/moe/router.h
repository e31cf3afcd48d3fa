#pragma once

#include <torch/types.h>

#include <cstdint>
#include <optional>

#include "nn/ops.h"

namespace espalier {

struct RouterOptions {
  std::int64_t experts_per_token = 1;
  /// Training only: the router's input is multiplied by uniform(1 - jitter, 1 + jitter) (Fedus et al.
  /// 2021, 2.2).
  double jitter = 0.0;
  /// An expert takes at most ceil(N * K * capacity_factor / E) tokens, first choices before second ones, in
  /// token order; the rest gets nothing from it. Absent: no limit.
  std::optional<double> capacity_factor;
};

/// What a token-choice router decided for N tokens.
struct Routing {
  torch::Tensor probabilities;  // [N, E] float32, softmax over the living experts (2206.00277 eq. 1)
  torch::Tensor unjittered;     // [N, E] the same without jitter and without gradient; what pruning scores
  torch::Tensor chosen;         // [N, K] int32, best first, ties to the smaller index; before capacity
  torch::Tensor accepted;       // [N, K] int32, `chosen` with -1 where the expert was full
  torch::Tensor gates;          // [N, K] float32, probabilities of the chosen; not renormalised
};

/// Token-choice top-k routing. x [N, D], weight [E, D] (no bias). `key` seeds the jitter.
Routing route(const Ops& ops, const torch::Tensor& x, const torch::Tensor& weight,
              const RouterOptions& options, std::uint64_t key);

/// E * sum over experts of (share of (token, slot) pairs routed there, before capacity) * (mean probability):
/// 1 when balanced (Fedus et al. 2021, eq. 4), 0 of no tokens. Differentiable through the probabilities.
torch::Tensor balance_loss(const Routing& routing);

/// (token, slot) pairs routed to each expert, before capacity: [E] int64.
torch::Tensor routed_counts(const Routing& routing);

}  // namespace espalier
