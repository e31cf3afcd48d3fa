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

/// A square of kLanes by kLanes, in registers: for each power of two, blocks of that size change places
/// between rows that far apart.
ESPALIER_INLINE void transpose_square(const float* x, int64_t x_stride, float* y, int64_t y_stride) {
  F row[kLanes];
  I lane{};
  for (int k = 0; k < kLanes; ++k) lane[k] = k;
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) row[i] = AllLanes{}.load(x + i * x_stride);
#pragma GCC unroll 4
  for (int block = 1; block < kLanes; block *= 2) {
    // Of the 2 kLanes lanes of a pair, counted a then b.
    const I odd = (lane & block) != 0;
    const I low = odd ? lane - block + kLanes : lane;
    const I high = odd ? lane + kLanes : lane + block;
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) {
      if ((i & block) != 0) continue;
      const F a = row[i];
      const F b = row[i + block];
      row[i] = __builtin_shuffle(a, b, low);
      row[i + block] = __builtin_shuffle(a, b, high);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kLanes; ++i) AllLanes{}.store(y + i * y_stride, row[i]);
}

/// At most kBlockSide squared: few enough lines and pages that strides of a power of two do no harm.
constexpr int64_t kBlockSide = 64;
void transpose_block(const Transpose& op, int64_t row, int64_t column) {
  const int64_t last_row = row + kBlockSide < op.m ? row + kBlockSide : op.m;
  const int64_t last_column = column + kBlockSide < op.n ? column + kBlockSide : op.n;
  for (int64_t j = column; j < last_column; j += kLanes) {
    for (int64_t i = row; i < last_row; i += kLanes) {
      if (i + kLanes <= last_row && j + kLanes <= last_column) {
        transpose_square(op.x + i * op.x_stride + j, op.x_stride, op.y + j * op.y_stride + i, op.y_stride);
        continue;
      }
      for (int64_t b = j; b < j + kLanes && b < last_column; ++b) {
        for (int64_t a = i; a < i + kLanes && a < last_row; ++a) {
          op.y[b * op.y_stride + a] = op.x[a * op.x_stride + b];
        }
      }
    }
  }
}

void transpose(const Transpose& op) {
  const int64_t rows = (op.m + kBlockSide - 1) / kBlockSide;
  const int64_t columns = (op.n + kBlockSide - 1) / kBlockSide;
  for_rows(rows * columns, kBlockSide * kBlockSide, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      transpose_block(op, block % rows * kBlockSide, block / rows * kBlockSide);
    }
  });
}

}  // namespace
}  // namespace espalier::simd
