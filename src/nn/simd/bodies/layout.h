#pragma once

#include "nn/simd/bodies/math.h"
#include "nn/simd/bodies/parallel.h"

namespace espalier::simd {
namespace {

void column_sums(const float* x, int64_t n, int64_t f, int64_t stride, float* sums) {
  sum_over_rows(
      n, f,
      [&](int64_t begin, int64_t end, float* part) {
        for (int64_t i = begin; i < end; ++i) {
          for_lanes(f, [&](int64_t j, auto lanes)
                           ESPALIER_INLINED { add_to(part + j, lanes.load(x + i * stride + j), lanes); });
        }
      },
      [&](const float* totals) { copy_row(sums, totals, f); });
}

/// One tile of at most kTile by kTile.
constexpr int64_t kTile = 16;
ESPALIER_INLINE void transpose_tile(const Transpose& op, int64_t row, int64_t column, int64_t rows,
                                    int64_t columns) {
  const float* x = op.x + row * op.x_stride + column;
  float* y = op.y + column * op.y_stride + row;
  for (int64_t j = 0; j < columns; ++j) {
    for (int64_t i = 0; i < rows; ++i) y[j * op.y_stride + i] = x[i * op.x_stride + j];
  }
}

void transpose(const Transpose& op) {
  for_rows((op.n + kTile - 1) / kTile, op.m * kTile, [&](int64_t begin, int64_t end) {
    for (int64_t tile = begin; tile < end; ++tile) {
      const int64_t column = tile * kTile;
      const int64_t columns = op.n - column < kTile ? op.n - column : kTile;
      for (int64_t row = 0; row < op.m; row += kTile) {
        transpose_tile(op, row, column, op.m - row < kTile ? op.m - row : kTile, columns);
      }
    }
  });
}

}  // namespace
}  // namespace espalier::simd
