#pragma once

#include <type_traits>

#include "kernels/simd/bodies/pack.h"

/// Products with so few rows that packing the other side would cost more than multiplying: numbers along k
/// lie in the lanes, and both sides are read as they lie.
namespace espalier::simd {
namespace {

constexpr int64_t kFewRows = 8;
constexpr int kMostDotRows = 4;
/// Sums that fit the registers beside what they are made of.
constexpr int kDotSums = kLanes == 16 ? 16 : 8;

template <int Rows>
constexpr int kDotColumns = kDotSums / Rows;

/// The sums of all lanes of `Count` vectors; `sums` has room for kLanes more.
template <int Count>
ESPALIER_INLINE void sum_all(const F* vectors, float* sums) {
  constexpr int N = Count >= kLanes ? kLanes : Count >= 8 ? 8 : Count >= 4 ? 4 : Count >= 2 ? 2 : 1;
  AllLanes{}.store(sums, sums_of_lanes<N>(vectors));
  if constexpr (Count > N) sum_all<Count - N>(vectors + N, sums + N);
}

/// R rows times C columns: dot products of length `depth`.
template <int R, int C>
__attribute__((noinline)) void multiply_dots(const Side& left, const Side& right, int64_t depth,
                                             const TileOutput& out) {
  F sums[R * C] = {};
  int64_t k = 0;
  for (; k + kLanes <= depth; k += kLanes) {
    F rows[R];
#pragma GCC unroll 4
    for (int r = 0; r < R; ++r) rows[r] = AllLanes{}.load(left.data + r * left.across + k);
#pragma GCC unroll 8
    for (int c = 0; c < C; ++c) {
      const F column = AllLanes{}.load(right.data + c * right.across + k);
#pragma GCC unroll 4
      for (int r = 0; r < R; ++r) sums[r * C + c] += rows[r] * column;
    }
  }
  float totals[R * C + kLanes];
  sum_all<R * C>(sums, totals);
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < C; ++c) {
      float sum = totals[r * C + c];
      for (int64_t rest = k; rest < depth; ++rest)
        sum += left.data[r * left.across + rest] * right.data[c * right.across + rest];
      float* to = out.c + r * out.across + c * out.along;
      *to = out.beta == 0 ? sum : sum + out.beta * *to;
    }
  }
}

/// At most kMostDotRows rows times C columns.
template <int C>
ESPALIER_INLINE void multiply_dots(const Side& left, const Side& right, int64_t depth,
                                   const TileOutput& out) {
  if (left.count == 1) multiply_dots<1, C>(left, right, depth, out);
  if (left.count == 2) multiply_dots<2, C>(left, right, depth, out);
  if (left.count == 3) multiply_dots<3, C>(left, right, depth, out);
  if (left.count == 4) multiply_dots<4, C>(left, right, depth, out);
}

/// C columns at a time, which stay in the first-level cache for all rows.
template <int C>
ESPALIER_INLINE void multiply_few_rows(const Side& left, const Side& right, int64_t depth, TileOutput out) {
  const auto times = [&](int64_t i, int64_t j, auto columns) ESPALIER_INLINED {
    const int64_t rows = left.count - i < kMostDotRows ? left.count - i : kMostDotRows;
    TileOutput to = out;
    to.c += i * out.across + j * out.along;
    multiply_dots<decltype(columns)::value>(left.from(i, 0, rows), right.from(j, 0, right.count - j), depth,
                                            to);
  };
  int64_t j = 0;
  for (; j + C <= right.count; j += C)
    for (int64_t i = 0; i < left.count; i += kMostDotRows) times(i, j, std::integral_constant<int, C>{});
  for (; j < right.count; ++j)
    for (int64_t i = 0; i < left.count; i += kMostDotRows) times(i, j, std::integral_constant<int, 1>{});
}

void multiply_few_rows(const Side& left, const Side& right, int64_t depth, const TileOutput& out) {
  if (left.count == 1) return multiply_few_rows<8>(left, right, depth, out);
  if (left.count == 2) return multiply_few_rows<kDotColumns<2>>(left, right, depth, out);
  multiply_few_rows<kDotColumns<4>>(left, right, depth, out);
}

}  // namespace
}  // namespace espalier::simd
