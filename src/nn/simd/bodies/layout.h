#pragma once

#include "nn/simd/bodies/math.h"
#include "nn/simd/bodies/parallel.h"

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

/// At most kBlockSide squared. A full block passes through a buffer, so that memory is only read and written
/// in runs of several lines, of which strides of a power of two cannot fill one set of the cache.
constexpr int64_t kBlockSide = 64;
ESPALIER_INLINE void transpose_full_block(const float* x, int64_t x_stride, float* y, int64_t y_stride) {
  alignas(64) float buffer[kBlockSide * kBlockSide];
  for (int64_t i = 0; i < kBlockSide; i += kLanes) {
    for (int64_t j = 0; j < kBlockSide; j += kLanes) {
      transpose_square(x + i * x_stride + j, x_stride, buffer + j * kBlockSide + i, kBlockSide);
    }
  }
  for (int64_t j = 0; j < kBlockSide; ++j) {
    for (int64_t i = 0; i < kBlockSide; i += kLanes) {
      AllLanes{}.store(y + j * y_stride + i, AllLanes{}.load(buffer + j * kBlockSide + i));
    }
  }
}

void transpose_block(const Transpose& op, int64_t row, int64_t column) {
  const float* x = op.x + row * op.x_stride + column;
  float* y = op.y + column * op.y_stride + row;
  const int64_t rows = op.m - row;
  const int64_t columns = op.n - column;
  if (rows >= kBlockSide && columns >= kBlockSide)
    return transpose_full_block(x, op.x_stride, y, op.y_stride);
  for (int64_t j = 0; j < kBlockSide && j < columns; ++j) {
    for (int64_t i = 0; i < kBlockSide && i < rows; ++i) y[j * op.y_stride + i] = x[i * op.x_stride + j];
  }
}

void transpose(const Transpose& op) {
  const int64_t rows = (op.m + kBlockSide - 1) / kBlockSide;
  const int64_t columns = (op.n + kBlockSide - 1) / kBlockSide;
  for_rows(rows * columns, kBlockSide * kBlockSide, [=](int64_t begin, int64_t end) ESPALIER_INLINED {
    for (int64_t block = begin; block < end; ++block) {
      transpose_block(op, block % rows * kBlockSide, block / rows * kBlockSide);
    }
  });
}

}  // namespace
}  // namespace espalier::simd
