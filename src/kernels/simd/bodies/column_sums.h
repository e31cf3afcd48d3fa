#pragma once

#include "kernels/simd/bodies/math.h"
#include "kernels/simd/bodies/parallel.h"

namespace espalier::simd {
namespace {

void column_sums(const float* x, int64_t n, int64_t f, int64_t stride, float* sums) {
  sum_over_rows(
      n, f,
      [=](int64_t begin, int64_t end, float* part) ESPALIER_INLINED {
        for (int64_t i = begin; i < end; ++i) {
          for_lanes(f, [&](int64_t j, auto lanes)
                           ESPALIER_INLINED { add_to(part + j, lanes.load(x + i * stride + j), lanes); });
        }
      },
      [&](const float* totals) { copy_row(sums, totals, f); });
}

}  // namespace
}  // namespace espalier::simd
