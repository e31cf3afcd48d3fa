#pragma once

#include "kernels/simd/bodies/transpose.h"

/// A tile of a product: as many sums as the registers hold, R rows of V vectors. Per step of k it loads V
/// vectors of the right side and spreads R numbers of the left one.
namespace espalier::simd {
namespace {

constexpr int kTileRows = kLanes == 16 ? 8 : 4;
constexpr int kTileVectors = kLanes == 4 ? 2 : 3;

/// The left side of a tile: number k of row r lies at data[r * across + k * along].
struct LeftRows {  ///< as they lie in memory
  const float* data;
  int64_t across;
  ESPALIER_INLINE float at(int r, int64_t k) const { return data[r * across + k]; }
};
template <int R>
struct PackedLeftRows {  ///< [k][R]
  const float* data;
  ESPALIER_INLINE float at(int r, int64_t k) const { return data[k * R + r]; }
};

/// Where a tile's sums go: element (r, j) to c[r * across + j * along], one of the two being 1.
struct TileOutput {
  float* c;
  int64_t across, along;
  int64_t columns;  ///< of the tile that are there
  float beta;       ///< of what c holds; 0: not read
};

ESPALIER_INLINE void store_sum(float* c, F sum, float beta) {
  AllLanes{}.store(c, beta == 0 ? sum : sum + beta * AllLanes{}.load(c));
}
ESPALIER_INLINE void store_quarter(float* c, F4 sum, float beta) {
  UnalignedF4* to = reinterpret_cast<UnalignedF4*>(c);  // `auto` would forget that it is unaligned
  *to = beta == 0 ? sum : sum + beta * *to;
}

template <int R, int V>
ESPALIER_INLINE void store_rows(F (&sums)[R][V], const TileOutput& out) {
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 3
    for (int v = 0; v < V; ++v) {
      float* c = out.c + r * out.across + v * kLanes;
      if ((v + 1) * kLanes <= out.columns) {
        store_sum(c, sums[r][v], out.beta);
      } else {
        const FirstLanes lanes{static_cast<int>(out.columns - v * kLanes)};
        lanes.store(c, out.beta == 0 ? sums[r][v] : sums[r][v] + out.beta * lanes.load(c));
      }
    }
  }
}

/// A tile whose columns are c's rows.
template <int R, int V>
ESPALIER_INLINE void store_turned(F (&sums)[R][V], const TileOutput& out) {
#pragma GCC unroll 3
  for (int v = 0; v < V; ++v) {
#pragma GCC unroll 2
    for (int r = 0; r < R; r += 4) {
      transpose_quarters(sums[r][v], sums[r + 1][v], sums[r + 2][v], sums[r + 3][v]);
#pragma GCC unroll 4
      for (int q = 0; q < kLanes / 4; ++q)
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) {
          const int64_t column = v * kLanes + 4 * q + i;
          if (column < out.columns)
            store_quarter(out.c + column * out.along + r, quarter(sums[r + i][v], q), out.beta);
        }
    }
  }
}

template <int R, int V>
ESPALIER_INLINE void store_turned_slowly(F (&sums)[R][V], const TileOutput& out) {
  for (int r = 0; r < R; ++r)
    for (int v = 0; v < V; ++v)
      for (int lane = 0; lane < kLanes && v * kLanes + lane < out.columns; ++lane) {
        float* c = out.c + (v * kLanes + lane) * out.along + r;
        *c = out.beta == 0 ? sums[r][v][lane] : sums[r][v][lane] + out.beta * *c;
      }
}

/// The tile's product over `depth` steps, its right side [depth] vectors `right_stride` floats apart.
template <int R, int V, class Left>
void multiply_tile(int64_t depth, Left left, const float* right, int64_t right_stride,
                   const TileOutput& out) {
  F sums[R][V] = {};
#pragma GCC unroll 2
  for (int64_t k = 0; k < depth; ++k) {
    F columns[V];
#pragma GCC unroll 3
    for (int v = 0; v < V; ++v) columns[v] = AllLanes{}.load(right + v * kLanes);
    right += right_stride;
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const F row = splat(left.at(r, k));
#pragma GCC unroll 3
      for (int v = 0; v < V; ++v) sums[r][v] += row * columns[v];
    }
  }
  if (out.along == 1) return store_rows<R, V>(sums, out);
  if constexpr (R % 4 == 0) {
    store_turned<R, V>(sums, out);
  } else {
    store_turned_slowly<R, V>(sums, out);
  }
}

template <int R, class Left>
ESPALIER_INLINE void multiply_tile(int vectors, int64_t depth, Left left, const float* right,
                                   int64_t right_stride, const TileOutput& out) {
  if (vectors == 1) return multiply_tile<R, 1>(depth, left, right, right_stride, out);
  if (vectors == 2) return multiply_tile<R, 2>(depth, left, right, right_stride, out);
  if constexpr (kTileVectors >= 3) multiply_tile<R, 3>(depth, left, right, right_stride, out);
}

}  // namespace
}  // namespace espalier::simd
