#pragma once

#include <cstdint>

#include "arch/block_spec.h"
#include "infer/routing.h"
#include "infer/stored_weight.h"

namespace espalier::infer {

// How the routers of encoders and vision models choose; of a router's settings, not those of training.

/// ceil(tokens * K * factor / E), with `rows` of the router where nothing else is said.
std::int64_t capacity_of(const arch::Router& router, std::int64_t tokens, std::int64_t rows);

/// `chosen` [N, K] with -1 where an expert is over its capacity; `largest` [N] the token's largest
/// probability, by which places are given where the router says so.
void keep_within_capacity(const arch::Router& router, std::int64_t N, std::int64_t K, std::int64_t E,
                          const float* largest, std::int32_t* chosen);

/// Softmax over the experts (2206.00277 eq. 1) and the choice. x [N, D], weight [E, D] float32 in memory. An
/// expert takes at most ceil(N * K * factor / E) tokens, first choices before second ones; the rest gets
/// nothing from it. Where experts choose (Zhou et al. 2022), each takes as many of every `group` tokens in a
/// row: of an image; 0: of all.
Routing route(const arch::Router& router, const StoredWeight& weight, std::int64_t N, const float* x,
              std::int64_t group = 0);

/// The same for an efficient ensemble (Allingham et al. 2022): x holds the tokens of `members` members one
/// after another, equally many, and the tokens of member m may use the m-th part of the router's rows only.
/// The softmax, K and the capacity are each member's own. The routing has all rows, with probability 0
/// (logits minus infinity) outside a member's.
Routing route_ensemble(const arch::Router& router, const StoredWeight& weight, std::int64_t members,
                       std::int64_t N, const float* x, std::int64_t group = 0);

}  // namespace espalier::infer
