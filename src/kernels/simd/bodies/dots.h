#pragma once

#include "kernels/simd/bodies/pack.h"

/// Products with so few rows that packing the other side would cost more than multiplying: numbers along k
/// lie in the lanes, and both sides are read as they lie.
namespace espalier::simd {
namespace {

constexpr int64_t kFewRows = 8;
constexpr int kMostDotRows = 4;
/// Sums that fit the registers beside what they are made of.
constexpr int kDotSums = kLanes == 16 ? 16 : 8;

template <int R>
constexpr int kDotColumns = R == 1 ? 8 : kDotSums / R;

/// R rows times C columns: dot products of length `depth`.
template <int R, int C>
__attribute__((noinline)) void multiply_dots(const Side& left, const Side& right, int64_t depth,
                                             const TileOutput& out) {
  F sums[R][C] = {};
  int64_t k = 0;
  for (; k + kLanes <= depth; k += kLanes) {
    F rows[R];
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) rows[r] = AllLanes{}.load(left.data + r * left.across + k);
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) {
      const F column = AllLanes{}.load(right.data + c * right.across + k);
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) sums[r][c] += rows[r] * column;
    }
  }
#pragma GCC unroll 4
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) {
      float sum = sum_of_lanes(sums[r][c]);
      for (int64_t rest = k; rest < depth; ++rest)
        sum += left.data[r * left.across + rest] * right.data[c * right.across + rest];
      float* to = out.c + r * out.across + c * out.along;
      *to = out.beta == 0 ? sum : sum + out.beta * *to;
    }
  }
}

/// R rows times all columns.
template <int R>
void multiply_dots(const Side& left, const Side& right, int64_t depth, TileOutput out) {
  constexpr int C = kDotColumns<R>;
  int64_t j = 0;
  for (; j + C <= right.count; j += C, out.c += C * out.along)
    multiply_dots<R, C>(left, right.from(j, 0, C), depth, out);
  for (; j < right.count; ++j, out.c += out.along) multiply_dots<R, 1>(left, right.from(j, 0, 1), depth, out);
}

void multiply_few_rows(const Side& left, const Side& right, int64_t depth, const TileOutput& out) {
  for (int64_t i = 0; i < left.count; i += kMostDotRows) {
    const int64_t rows = left.count - i < kMostDotRows ? left.count - i : kMostDotRows;
    const Side some = left.from(i, 0, rows);
    TileOutput to = out;
    to.c += i * out.across;
    if (rows == 1) multiply_dots<1>(some, right, depth, to);
    if (rows == 2) multiply_dots<2>(some, right, depth, to);
    if (rows == 3) multiply_dots<3>(some, right, depth, to);
    if (rows == 4) multiply_dots<4>(some, right, depth, to);
  }
}

}  // namespace
}  // namespace espalier::simd
