#pragma once

#include "nn/simd/bodies/softmax.h"

namespace espalier::simd {
namespace {

/// The first index of the largest element of `row`; NaN is never the largest, and a row of NaN gives 0.
ESPALIER_INLINE int64_t first_of_largest(const float* row, int64_t n) {
  F most = splat(-kInfinity);
  for_lanes(
      n, [&](int64_t j, auto lanes) ESPALIER_INLINED { most = max(lanes.load(row + j, -kInfinity), most); });
  const float largest = max_of_lanes(most);
  for (int64_t e = 0; e < n; ++e) {
    if (row[e] == largest) return e;
  }
  return 0;
}

/// The first index of the largest element that is not among the `taken` first of `chosen`.
ESPALIER_INLINE int64_t next_largest(const float* row, int64_t n, const std::int32_t* chosen, int64_t taken) {
  int64_t best = -1;
  for (int64_t e = 0; e < n; ++e) {
    if (best >= 0 && !(row[e] > row[best])) continue;
    bool free = true;
    for (int64_t slot = 0; slot < taken; ++slot) free &= chosen[slot] != e;
    if (free) best = e;
  }
  return best;
}

/// The K largest of `probabilities` [E] in falling order; of equals the smaller index.
ESPALIER_INLINE void choose(const float* probabilities, int64_t experts, int64_t k, std::int32_t* chosen,
                            float* gates) {
  for (int64_t slot = 0; slot < k; ++slot) {
    const int64_t best = slot == 0 ? first_of_largest(probabilities, experts)
                                   : next_largest(probabilities, experts, chosen, slot);
    chosen[slot] = static_cast<std::int32_t>(best);
    gates[slot] = probabilities[best];
  }
}

void router_forward(const RouterForward& op) {
  for_rows(op.n, op.experts, [=](int64_t begin, int64_t end) ESPALIER_INLINED {
    for (int64_t i = begin; i < end; ++i) {
      const float* logits = op.logits + i * op.experts;
      float* probabilities = op.probabilities + i * op.experts;
      F largest = splat(-kInfinity);
      for_lanes(op.experts, [&](int64_t j, auto lanes) ESPALIER_INLINED {
        largest = max(lanes.load(logits + j, -kInfinity), largest);
      });
      const float sum = exponentials(probabilities, logits, op.experts, max_of_lanes(largest));
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
