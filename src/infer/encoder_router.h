#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "arch/vmoe_config.h"
#include "infer/routing.h"
#include "infer/stored_weight.h"

namespace espalier::infer {

/// How the routers of encoders and vision models choose; what training alone has is not here.
struct EncoderRouter {
  std::int64_t experts_per_token = 1;
  /// An expert takes at most ceil(N * K * capacity_factor / E) tokens, first choices before second ones, in
  /// token order; the rest gets nothing from it. Absent: no limit.
  std::optional<double> capacity_factor;
  /// Who chooses. When experts do (Zhou et al. 2022), each takes its ceil(tokens * K * capacity_factor / E)
  /// best of every `group_tokens` in a row.
  RouterKind kind = RouterKind::kTokenChoice;
  std::int64_t group_tokens = 0;      ///< expert choice: of an image; 0: all
  std::int64_t capacity_experts = 0;  ///< E that capacity is reckoned with; 0: the router's
  /// Token choice: places go to the tokens with the largest gates first (Riquelme et al. 2021, 3.4), not in
  /// order.
  bool batch_prioritized = false;
};

/// ceil(tokens * K * factor / E), with `rows` of the router where nothing else is said.
std::int64_t capacity_of(const EncoderRouter& router, std::int64_t tokens, std::int64_t rows);

/// `chosen` [N, K] with -1 where an expert is over its capacity; `largest` [N] the token's largest
/// probability, by which places are given where the router says so.
void keep_within_capacity(const EncoderRouter& router, std::int64_t N, std::int64_t K, std::int64_t E,
                          const float* largest, std::int32_t* chosen);

/// Softmax over the experts (2206.00277 eq. 1) and the choice. x [N, D], weight [E, D] float32 in memory.
Routing route(const EncoderRouter& router, const StoredWeight& weight, std::int64_t N, const float* x);

/// The same for an efficient ensemble (Allingham et al. 2022): x holds the tokens of `members` members one
/// after another, equally many, and the tokens of member m may use the m-th part of the router's rows only.
/// The softmax, K and the capacity are each member's own. The routing has all rows, with probability 0
/// (logits minus infinity) outside a member's.
Routing route_ensemble(const EncoderRouter& router, const StoredWeight& weight, std::int64_t members,
                       std::int64_t N, const float* x);

}  // namespace espalier::infer
