#pragma once

#include "kernels/simd/bodies/math.h"
#include "kernels/simd/bodies/parallel.h"

namespace espalier::simd {
namespace {

/// scale * row. Lanes that are not there are -inf.
struct ScaledRow {
  const float* row;
  float scale;
  template <class Lanes>
  ESPALIER_INLINE F load(int64_t j, Lanes lanes) const {
    return lanes.load(row + j, -kInfinity) * scale;
  }
};

/// scale * row + additive
struct MaskedRow {
  const float* row;
  float scale;
  const float* additive;
  template <class Lanes>
  ESPALIER_INLINE F load(int64_t j, Lanes lanes) const {
    return lanes.load(row + j, -kInfinity) * scale + lanes.load(additive + j);
  }
};

/// out = exp(row - its largest), returning the sum; out may be the row. Nothing but -inf becomes zeros.
/// `sink` is one number more of the row, which counts in the sum alone.
template <class Row>
ESPALIER_INLINE float exponentials(float* out, Row row, int64_t n, float sink = -kInfinity) {
  F most = splat(sink);
  for_lanes(n, [&](int64_t j, auto lanes) ESPALIER_INLINED { most = max(row.load(j, lanes), most); });
  const float largest = max_of_lanes(most);
  const float from = largest == -kInfinity ? 0.0F : largest;
  F sum{};
  for_lanes(n, [&](int64_t j, auto lanes) ESPALIER_INLINED {
    const F e = exponential(row.load(j, lanes) - from);
    lanes.store(out + j, e);
    sum += e;
  });
  const float rest = sink == -kInfinity ? 0.0F : max_of_lanes(exponential(splat(sink - from)));
  return sum_of_lanes(sum) + rest;
}

/// Keys of a sequence that count.
ESPALIER_INLINE int64_t keys_of(const std::int32_t* lengths, int64_t sequence, int64_t keys) {
  if (lengths == nullptr) return keys;
  const int64_t length = lengths[sequence] > 0 ? lengths[sequence] : 0;
  return length < keys ? length : keys;
}

ESPALIER_INLINE void clear_row(float* row, int64_t from, int64_t to) {
  if (to > from) __builtin_memset(row + from, 0, static_cast<size_t>(to - from) * sizeof(float));
}

void attention_softmax(const AttentionSoftmax& op) {
  with_mask(op.dropout, [&](auto mask) {
    for_rows(op.batch * op.rows, op.keys, [=](int64_t begin, int64_t end) ESPALIER_INLINED {
      for (int64_t i = begin; i < end; ++i) {
        float* row = op.scores + i * op.keys;
        const int64_t sequence = i / op.rows;
        const int64_t keys = keys_of(op.lengths, sequence, op.keys);
        const float sum =
            op.additive == nullptr
                ? exponentials(row, ScaledRow{row, op.scale}, keys)
                : exponentials(row, MaskedRow{row, op.scale, op.additive + sequence * op.keys}, keys);
        const float inverse = sum == 0.0F ? 0.0F : 1.0F / sum;
        float* dropped = op.dropout.p > 0 ? op.dropped + i * op.keys : nullptr;
        for_lanes(keys, [&](int64_t j, auto lanes) ESPALIER_INLINED {
          const F p = lanes.load(row + j) * inverse;
          lanes.store(row + j, p);
          if (dropped != nullptr) lanes.store(dropped + j, mask.apply(p, i * op.keys + j));
        });
        clear_row(row, keys, op.keys);
        if (dropped != nullptr) clear_row(dropped, keys, op.keys);
      }
    });
  });
}

/// gradient = scale * p * (gradient - sum(p * gradient)), the gradient of a softmax row.
template <class Mask>
ESPALIER_INLINE void softmax_backward_row(const float* p, float* gradient, int64_t n, float scale,
                                          const Mask& mask, int64_t index) {
  const F products = sum_lanes(n, [&](int64_t j, auto lanes) ESPALIER_INLINED {
    const F g = mask.apply(lanes.load(gradient + j), index + j);
    lanes.store(gradient + j, g);
    return lanes.only(g * lanes.load(p + j));
  });
  const float product = sum_of_lanes(products);
  for_lanes(n, [&](int64_t j, auto lanes) ESPALIER_INLINED {
    lanes.store(gradient + j, lanes.load(p + j) * (lanes.load(gradient + j) - product) * scale);
  });
}

void attention_softmax_backward(const AttentionSoftmaxBackward& op) {
  with_mask(op.dropout, [&](auto mask) {
    for_rows(op.batch * op.rows, op.keys, [=](int64_t begin, int64_t end) ESPALIER_INLINED {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t keys = keys_of(op.lengths, i / op.rows, op.keys);
        float* gradient = op.gradient + i * op.keys;
        softmax_backward_row(op.p + i * op.keys, gradient, keys, op.scale, mask, i * op.keys);
        clear_row(gradient, keys, op.keys);
      }
    });
  });
}

}  // namespace
}  // namespace espalier::simd
