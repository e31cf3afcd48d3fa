#pragma once

#include <cstdint>

#include "arch/block_spec.h"

/// What stands between the products of a feed-forward network or at its doors, element by element, on all
/// threads.
namespace espalier::infer {

/// gate = act(gate) * (up + shift), with the rule's bounds; both [count].
void gated_activation(const arch::FeedForward& rule, std::int64_t count, float* gate, const float* up);
/// x = act(x), [count]
void plain_activation(const arch::FeedForward& rule, std::int64_t count, float* x);
/// Every row of y [N, D] += bias [D].
void add_bias(std::int64_t N, std::int64_t D, const float* bias, float* y);

/// x = x sigmoid(x), [count]
void silu(std::int64_t count, float* x);

float sigmoid(float x);
float softplus(float x);

}  // namespace espalier::infer
