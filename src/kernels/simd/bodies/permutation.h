#pragma once

#include "kernels/simd/bodies/math.h"
#include "kernels/simd/bodies/parallel.h"

namespace espalier::simd {
namespace {

/// A counting sort: two passes over N * K small integers, not worth threads.
void sort_by_expert(const SortByExpert& op) {
  std::int32_t* next = op.offsets + 1;  // next[e] counts, then runs from the start of e to its end
  __builtin_memset(op.offsets, 0, static_cast<size_t>(op.experts + 1) * sizeof(std::int32_t));
  const int64_t assignments = op.n * op.k;
  for (int64_t a = 0; a < assignments; ++a) {
    if (op.chosen[a] >= 0) ++next[op.chosen[a]];
  }
  std::int32_t start = 0;
  for (int64_t e = 0; e < op.experts; ++e) {
    const std::int32_t count = next[e];
    next[e] = start;
    start += count;
  }
  for (int64_t a = 0; a < assignments; ++a) {
    if (op.chosen[a] < 0) {
      op.row_of[a] = -1;
      continue;
    }
    const std::int32_t row = next[op.chosen[a]]++;
    op.row_of[a] = row;
    op.row_token[row] = static_cast<std::int32_t>(a / op.k);
  }
}

void gather_rows(const float* x, const std::int32_t* index, int64_t rows, int64_t d, float* out) {
  for_rows(rows, d, [=](int64_t begin, int64_t end) ESPALIER_INLINED {
    for (int64_t r = begin; r < end; ++r) copy_row(out + r * d, x + index[r] * d, d);
  });
}

ESPALIER_INLINE void combine_token(const Combine& op, int64_t token) {
  float* y = op.y + token * op.d;
  bool started = false;
  for (int64_t a = token * op.k; a < (token + 1) * op.k; ++a) {
    if (op.row_of[a] < 0) continue;
    const float* ys = op.ys + op.row_of[a] * op.d;
    const float gate = op.gates == nullptr ? 1.0F : op.gates[a];
    for_lanes(op.d, [&](int64_t j, auto lanes) ESPALIER_INLINED {
      const F v = lanes.load(ys + j) * gate;
      lanes.store(y + j, started ? lanes.load(y + j) + v : v);
    });
    started = true;
  }
  if (!started) __builtin_memset(y, 0, static_cast<size_t>(op.d) * sizeof(float));
}

void combine(const Combine& op) {
  for_rows(op.n, op.k * op.d, [=](int64_t begin, int64_t end) ESPALIER_INLINED {
    for (int64_t token = begin; token < end; ++token) combine_token(op, token);
  });
}

void combine_backward(const CombineBackward& op) {
  for_rows(op.n, op.k * op.d, [=](int64_t begin, int64_t end) ESPALIER_INLINED {
    for (int64_t a = begin * op.k; a < end * op.k; ++a) {
      if (op.row_of[a] < 0) {
        op.dgates[a] = 0;
        continue;
      }
      const float* dy = op.dy + a / op.k * op.d;
      const float* ys = op.ys + op.row_of[a] * op.d;
      float* dys = op.dys + op.row_of[a] * op.d;
      const float gate = op.gates[a];
      const F products = sum_lanes(op.d, [&](int64_t j, auto lanes) ESPALIER_INLINED {
        const F g = lanes.load(dy + j);
        const F product = g * lanes.load(ys + j);
        lanes.store(dys + j, g * gate);
        return product;
      });
      op.dgates[a] = sum_of_lanes(products);
    }
  });
}

}  // namespace
}  // namespace espalier::simd
