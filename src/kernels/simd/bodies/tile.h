#pragma once

#include "kernels/simd/bodies/transpose.h"

/// A tile of a product: as many sums as the registers hold, R rows of V vectors. Per step of k it loads V
/// vectors of the right side and spreads R numbers of the left one.
namespace espalier::simd {
namespace {

constexpr int kTileRows = kLanes == 16 ? 8 : 4;
constexpr int kTileVectors = kLanes == 4 ? 2 : 3;
constexpr int64_t kPanelColumns = kTileVectors * kLanes;
constexpr int64_t kLineFloats = 16;

/// The left side of a tile as it lies in memory: number k of row r at data[r * stride + k].
struct LeftRows {
  const float* data;
  int64_t stride;
  const float* next;  ///< rows that are wanted soon, asked for from memory meanwhile; or nullptr
  ESPALIER_INLINE float at(int r, int64_t k) const { return data[r * stride + k]; }
  template <int R>
  ESPALIER_INLINE void fetch_next(int64_t k) const {
    if (next == nullptr) return;
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) __builtin_prefetch(next + r * stride + k, 0, 2);
  }
};

/// The same packed, [k][kLanes].
struct PackedLeft {
  const float* data;
  ESPALIER_INLINE float at(int r, int64_t k) const { return data[k * kLanes + r]; }
  template <int R>
  ESPALIER_INLINE void fetch_next(int64_t) const {}
};

/// Where a tile's sums go: element (r, j) to c[r * across + j * along], one of the two being 1.
struct TileOutput {
  float* c;
  int64_t across, along;
  int64_t columns;  ///< that are there
  float beta;       ///< of what c holds; 0: not read
};

ESPALIER_INLINE void store_sum(float* c, F sum, float beta) {
  AllLanes{}.store(c, beta == 0 ? sum : sum + beta * AllLanes{}.load(c));
}

/// A full tile whose rows are c's, from the registers.
template <int R, int V>
ESPALIER_INLINE void store_rows(const F (&sums)[R][V], const TileOutput& out) {
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 3
    for (int v = 0; v < V; ++v) store_sum(out.c + r * out.across + v * kLanes, sums[r][v], out.beta);
  }
}

/// Floats of a row of c that a tile of kTileRows turned gives at a time.
constexpr int kTurnedFloats = kTileRows;
typedef float Turned __attribute__((vector_size(kTurnedFloats * 4)));
typedef float UnalignedTurned __attribute__((vector_size(kTurnedFloats * 4), aligned(4), may_alias));

ESPALIER_INLINE void store_turned(float* c, F sums, int part, float beta) {
  Turned values;
  for (int i = 0; i < kTurnedFloats; ++i) values[i] = sums[part * kTurnedFloats + i];
  UnalignedTurned* to = reinterpret_cast<UnalignedTurned*>(c);  // `auto` would forget that it is unaligned
  *to = beta == 0 ? values : values + beta * *to;
}

/// One vector of each of a full tile's rows, which are columns of c: kTileRows x kLanes turned.
ESPALIER_INLINE void store_columns(F (&rows)[kTileRows], const TileOutput& out, float* c) {
#pragma GCC unroll 2
  for (int r = 0; r < kTileRows; r += 4) transpose_quarters(rows[r], rows[r + 1], rows[r + 2], rows[r + 3]);
  constexpr int kParts = kLanes / kTurnedFloats;
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    if constexpr (kTileRows == 4) {
#pragma GCC unroll 4
      for (int q = 0; q < kParts; ++q) store_turned(c + (4 * q + i) * out.along, rows[i], q, out.beta);
    } else {
      const F low = join_quarters(rows[i], rows[i + 4], 0), high = join_quarters(rows[i], rows[i + 4], 2);
#pragma GCC unroll 2
      for (int q = 0; q < 2; ++q) {
        store_turned(c + (4 * q + i) * out.along, low, q, out.beta);
        store_turned(c + (4 * (q + 2) + i) * out.along, high, q, out.beta);
      }
    }
  }
}

/// Any tile: `sums` [rows][vectors], some columns of which may not be there.
__attribute__((noinline)) void store_slowly(const float* sums, int rows, int vectors, const TileOutput& out) {
  for (int r = 0; r < rows; ++r)
    for (int64_t j = 0; j < out.columns && j < vectors * kLanes; ++j) {
      const float sum = sums[r * vectors * kLanes + j];
      float* c = out.c + r * out.across + j * out.along;
      *c = out.beta == 0 ? sum : sum + out.beta * *c;
    }
}

template <int R, int V>
ESPALIER_INLINE void store_tile(const F (&sums)[R][V], const TileOutput& out) {
  const bool full = out.columns >= V * kLanes;
  if (full && out.along == 1) return store_rows<R, V>(sums, out);
  alignas(64) float tile[R * V * kLanes];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 3
    for (int v = 0; v < V; ++v) AllLanes{}.store(tile + (r * V + v) * kLanes, sums[r][v]);
  }
  if (!full || R < kTileRows) return store_slowly(tile, R, V, out);
  for (int v = 0; v < V; ++v) {
    F rows[kTileRows];
#pragma GCC unroll 8
    for (int r = 0; r < kTileRows; ++r) rows[r] = AllLanes{}.load(tile + (r * V + v) * kLanes);
    store_columns(rows, out, out.c + v * kLanes * out.along);
  }
}

/// Asks for the lines of c that a tile will add to.
template <int R, int V>
ESPALIER_INLINE void fetch_output(const TileOutput& out) {
  if (out.along == 1) {
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
      for (int64_t j = 0; j < V * kLanes; j += kLineFloats)
        __builtin_prefetch(out.c + r * out.across + j, 1, 3);
  } else {
    for (int64_t j = 0; j < V * kLanes && j < out.columns; ++j)
      __builtin_prefetch(out.c + j * out.along, 1, 3);
  }
}

/// The tile's product over `depth` steps, its right side a panel [depth][V].
template <int R, int V, class Left>
__attribute__((noinline)) void multiply_tile(int64_t depth, Left left, const float* panel,
                                             const TileOutput& out) {
  fetch_output<R, V>(out);
  F sums[R][V] = {};
  int64_t k = 0;
  const auto step = [&]() ESPALIER_INLINED {
    F columns[V];
#pragma GCC unroll 3
    for (int v = 0; v < V; ++v) columns[v] = AllLanes{}.load(panel + v * kLanes);
    panel += V * kLanes;
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const F row = splat(left.at(r, k));
#pragma GCC unroll 3
      for (int v = 0; v < V; ++v) sums[r][v] += row * columns[v];
    }
    ++k;
  };
  while (k + kLineFloats <= depth) {
    left.template fetch_next<R>(k);
#pragma GCC unroll 4
    for (int i = 0; i < kLineFloats; ++i) step();
  }
  while (k < depth) step();
  store_tile<R, V>(sums, out);
}

template <int R, class Left>
ESPALIER_INLINE void multiply_tile(int vectors, int64_t depth, Left left, const float* panel,
                                   const TileOutput& out) {
  if (vectors == 1) return multiply_tile<R, 1>(depth, left, panel, out);
  if (vectors == 2) return multiply_tile<R, 2>(depth, left, panel, out);
  if constexpr (kTileVectors >= 3) multiply_tile<R, 3>(depth, left, panel, out);
}

}  // namespace
}  // namespace espalier::simd
