#pragma once

#include "kernels/simd/bodies/softmax.h"

namespace espalier::simd {
namespace {

/// The first index of the largest element that is not among the `taken` first of `chosen`. NaN counts as
/// -inf. Without branches on the data: they would be guessed wrong for every other token.
ESPALIER_INLINE std::int32_t largest_left(const float* row, int64_t n, const std::int32_t* chosen,
                                          int64_t taken) {
  I lane{};
  for (int k = 0; k < kLanes; ++k) lane[k] = k;
  const I none = I{} + 0x7FFFFFFF;
  const auto is_taken = [&](I index) ESPALIER_INLINED {
    I found{};
    for (int64_t slot = 0; slot < taken; ++slot) found |= index == chosen[slot];
    return found;
  };
  F most = splat(-kInfinity);
  for_lanes(n, [&](int64_t j, auto lanes) ESPALIER_INLINED {
    const F v = lanes.load(row + j, -kInfinity);
    most = max(is_taken(lane + static_cast<std::int32_t>(j)) ? splat(-kInfinity) : v, most);
  });
  const float largest = max_of_lanes(most);
  I first = none;
  for_lanes(n, [&](int64_t j, auto lanes) ESPALIER_INLINED {
    const I index = lane + static_cast<std::int32_t>(j);
    const F v = lanes.load(row + j, -kInfinity);
    const F left = v == v ? v : splat(-kInfinity);
    const I candidate = (left == largest) & ~is_taken(index) ? index : none;
    first = candidate < first ? candidate : first;
  });
  return min_of_lanes(first);
}

/// The K largest of `probabilities` [E] in falling order; of equals the smaller index.
ESPALIER_INLINE void choose(const float* probabilities, int64_t experts, int64_t k, std::int32_t* chosen,
                            float* gates) {
  for (int64_t slot = 0; slot < k; ++slot) {
    const std::int32_t best = largest_left(probabilities, experts, chosen, slot);
    chosen[slot] = best;
    gates[slot] = probabilities[best];
  }
}

void router_forward(const RouterForward& op) {
  for_rows(op.n, op.experts, [=](int64_t begin, int64_t end) ESPALIER_INLINED {
    for (int64_t i = begin; i < end; ++i) {
      const float* logits = op.logits + i * op.experts;
      float* probabilities = op.probabilities + i * op.experts;
      const float sum = exponentials(probabilities, ScaledRow{logits, 1.0F}, op.experts);
      for_lanes(op.experts, [&](int64_t j, auto lanes) ESPALIER_INLINED {
        lanes.store(probabilities + j, lanes.load(probabilities + j) / sum);
      });
      choose(probabilities, op.experts, op.k, op.chosen + i * op.k, op.gates + i * op.k);
    }
  });
}

void router_backward(const RouterBackward& op) {
  for_rows(op.n, op.experts, [=](int64_t begin, int64_t end) ESPALIER_INLINED {
    for (int64_t i = begin; i < end; ++i) {
      float* gradient = op.dlogits + i * op.experts;
      if (op.dprobabilities == nullptr) {
        clear_row(gradient, 0, op.experts);
      } else if (op.dprobabilities != op.dlogits) {
        copy_row(gradient, op.dprobabilities + i * op.experts, op.experts);
      }
      for (int64_t a = i * op.k; a < (i + 1) * op.k; ++a) {
        if (op.chosen[a] >= 0) gradient[op.chosen[a]] += op.dgates[a];
      }
      softmax_backward_row(op.probabilities + i * op.experts, gradient, op.experts, 1.0F, KeepAll{}, 0);
    }
  });
}

}  // namespace
}  // namespace espalier::simd
