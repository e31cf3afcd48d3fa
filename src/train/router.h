#pragma once

#include <torch/types.h>

#include <cstdint>
#include <optional>

#include "arch/block_spec.h"
#include "train/ops/ops.h"

namespace espalier::train {

struct RouterOptions {
  RouterConfig rule{.experts_per_token = 1, .normalise = false};  ///< K, scores, groups, gates
  /// Training only: the router's input is multiplied by uniform(1 - jitter, 1 + jitter) (Fedus et al.
  /// 2021, 2.2).
  double jitter = 0.0;
  /// An expert takes at most ceil(N * K * capacity_factor / E) tokens, first choices before second ones, in
  /// token order; the rest gets nothing from it. Absent: no limit.
  std::optional<double> capacity_factor;
  /// Who chooses. When experts do (Zhou et al. 2022), each takes its ceil(tokens * K * capacity_factor / E)
  /// best of every `group_tokens` in a row.
  arch::WhoChooses chooser = arch::WhoChooses::kTokens;
  std::int64_t group_tokens = 0;      ///< expert choice: of an image; 0: all
  std::int64_t capacity_experts = 0;  ///< E that capacity is reckoned with; 0: the router's
  /// Token choice: places go to the tokens with the largest gates first (Riquelme et al. 2021, 3.4), not in
  /// order.
  bool batch_prioritized = false;
  /// Training only: deviation of the normal noise on the logits (Riquelme et al. 2021, 2.1).
  double logit_noise = 0.0;
};

/// What a router decided for N tokens. When experts choose, K is E and slot e of a token is -1 where expert e
/// did not take it.
struct Routing {
  torch::Tensor
      probabilities;  // [N, E] float32: scores that sum to 1 over the living experts (2206.00277 eq. 1)
  torch::Tensor unjittered;    // [N, E] the same without jitter and without gradient; what pruning scores
  torch::Tensor chosen;        // [N, K] int32, best first, ties to the smaller index; before capacity
  torch::Tensor accepted;      // [N, K] int32, `chosen` with -1 where the expert was full
  torch::Tensor gates;         // [N, K] float32, what the outputs are multiplied with
  torch::Tensor logits;        // [N, E] float32, without noise
  torch::Tensor noisy_logits;  // [N, E] float32; undefined without noise
  double noise_deviation = 0.0;
  arch::WhoChooses chooser = arch::WhoChooses::kTokens;
};

/// Routing by the options. x [N, D], weight [E, D] (no bias), correction [E] or undefined. `key` seeds jitter
/// and noise.
Routing route(const Ops& ops, const torch::Tensor& x, const torch::Tensor& weight,
              const torch::Tensor& correction, const RouterOptions& options, std::uint64_t key);

/// E * sum over experts of (share of (token, slot) pairs routed there, before capacity) * (mean probability):
/// 1 when balanced (Fedus et al. 2021, eq. 4), 0 of no tokens. Differentiable through the probabilities.
torch::Tensor balance_loss(const Routing& routing);

/// (token, slot) pairs routed to each expert, before capacity: [E] int64.
torch::Tensor routed_counts(const Routing& routing);

}  // namespace espalier::train
