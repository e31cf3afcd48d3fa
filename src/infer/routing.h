#pragma once

#include <cstdint>
#include <span>

#include "artifacts/router_config.h"
#include "base/buffer.h"

namespace espalier::infer {

/// What a token's slots are.
enum class SlotOrder {
  kBestFirst,  ///< the experts that it chose, the first one first
  kByExpert    ///< all experts in their order, those that took it: experts chose
};

/// What a router decided for N tokens, wherever the numbers lie: what statistics are taken from.
struct RoutingView {
  std::int64_t tokens = 0, rows = 0, slots = 0;  // N, E, K; rows: of the router
  const float* logits = nullptr;                 // [N, E]; not finite: the token cannot choose that row
  const float* alpha = nullptr;          // [N, E] scores that sum to 1, without correction bias and groups
  const std::int32_t* chosen = nullptr;  // [N, K] rows, before capacity; -1: nothing in this slot
  const float* gates = nullptr;          // [N, K] what the experts' outputs are multiplied with
  SlotOrder order = SlotOrder::kBestFirst;
  /// [E] expert of each row of the router, -1 where it was pruned; empty: row e is expert e's.
  std::span<const std::int32_t> expert_of_row;

  std::int32_t expert_of(std::int32_t row) const {
    return row < 0 || expert_of_row.empty() ? row : expert_of_row[static_cast<std::size_t>(row)];
  }
};

/// The same in memory of its own; no gradients.
struct Routing {
  std::int64_t tokens = 0, rows = 0, slots = 0;  // N, E, K
  Buffer<float> logits, alpha;                   // [N, E]
  Buffer<std::int32_t> chosen;                   // [N, K], ties to the smaller index
  Buffer<float> gates;                           // [N, K]
  /// [N, K] `chosen` with -1 where the expert was full; empty where there is no capacity.
  Buffer<std::int32_t> accepted;
  SlotOrder order = SlotOrder::kBestFirst;
  std::span<const std::int32_t> expert_of_row;

  RoutingView view() const {
    return {tokens,        rows,         slots, logits.data(), alpha.data(),
            chosen.data(), gates.data(), order, expert_of_row};
  }
  /// [N, K] what is computed: within capacity where there is one.
  const std::int32_t* served() const { return accepted.empty() ? chosen.data() : accepted.data(); }
};

/// Where a token choice's results go.
struct ChoiceArrays {
  float* alpha;          // [N, E]
  std::int32_t* chosen;  // [N, K]
  float* gates;          // [N, K]
};

/// Top-k routing by any of the rules that `RouterConfig` can tell, in float32. logits [N, E];
/// `correction_bias` [E], or empty.
void choose_experts(const RouterConfig& config, std::int64_t N, std::int64_t E, const float* logits,
                    std::span<const float> correction_bias, const ChoiceArrays& to);
/// The same of logits that the routing keeps.
Routing choose_experts(const RouterConfig& config, std::int64_t N, std::int64_t E, Buffer<float> logits,
                       std::span<const float> correction_bias);

}  // namespace espalier::infer
