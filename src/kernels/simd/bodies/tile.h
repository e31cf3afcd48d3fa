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
/// Steps whose numbers are asked for from memory before those that are packed.
constexpr int64_t kStepsAhead = 32;

/// The left side of tiles as it lies in memory: number k of row r at data[r * stride + k].
struct LeftRows {
  const float* data;
  int64_t stride;
  int64_t ahead;  ///< how many floats further on rows are wanted soon, asked for meanwhile; 0: none are
  template <int R>
  ESPALIER_INLINE float at(int r, int64_t k) const {
    return data[r * stride + k];
  }
  template <int R, int Steps>
  ESPALIER_INLINE void prepare(int64_t k) const {
    if (ahead == 0 || Steps == 1) return;
    const float* next = data + k + ahead;
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) __builtin_prefetch(next + r * stride, 0, 2);
  }
  template <int R>
  ESPALIER_INLINE void advance(int64_t) {
    data += R * stride;
  }
};

/// The same packed, [k][R] for each tile; with `from`, rows that lie side by side are packed on the way:
/// number k of row r from from[k * along + r].
struct PackedLeft {
  float* data;
  const float* from;
  int64_t along;
  template <int R>
  ESPALIER_INLINE float at(int r, int64_t k) const {
    return data[k * R + r];
  }
  template <int R, int Steps>
  ESPALIER_INLINE void prepare(int64_t k) const {
    if (from == nullptr) return;
#pragma GCC unroll 4
    for (int i = 0; i < Steps; ++i) {
      const float* rows = from + (k + i) * along;
      __builtin_prefetch(rows + kStepsAhead * along);
      __builtin_memcpy(data + (k + i) * R, rows, R * sizeof(float));
    }
  }
  template <int R>
  ESPALIER_INLINE void advance(int64_t depth) {
    data += R * depth;
    if (from != nullptr) from += R;
  }
};

/// The right side of tiles, [k][vectors].
struct PackedPanel {
  const float* data;
  template <int V, int Steps>
  ESPALIER_INLINE void prepare(int64_t) const {}
  ESPALIER_INLINE void keep_packed() {}
};

/// The same; with `from`, columns that lie side by side are packed on the way:
/// those of step k from from[k * along] on.
struct RightPanel {
  float* data;
  const float* from;
  int64_t along;
  template <int V, int Steps>
  ESPALIER_INLINE void prepare(int64_t k) const {
    if (from == nullptr) return;
#pragma GCC unroll 4
    for (int i = 0; i < Steps; ++i) {
      const float* columns = from + (k + i) * along;
#pragma GCC unroll 3
      for (int v = 0; v < V * kLanes; v += kLineFloats) __builtin_prefetch(columns + kStepsAhead * along + v);
#pragma GCC unroll 3
      for (int v = 0; v < V; ++v)
        AllLanes{}.store(data + ((k + i) * V + v) * kLanes, AllLanes{}.load(columns + v * kLanes));
    }
  }
  ESPALIER_INLINE void keep_packed() {
    from = nullptr;
  }
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

/// A tile's product over `depth` steps.
template <int R, int V, class Left, class Right, class Output>
ESPALIER_INLINE void multiply_tile(int64_t depth, const Left& left, const Right& right, const Output& out) {
  fetch_output<R, V>(out);
  F sums[R][V] = {};
  int64_t k = 0;
  const float* panel = right.data;
  const auto step = [&]() ESPALIER_INLINED {
    F columns[V];
#pragma GCC unroll 3
    for (int v = 0; v < V; ++v) columns[v] = AllLanes{}.load(panel + v * kLanes);
    panel += V * kLanes;
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const F row = splat(left.template at<R>(r, k));
#pragma GCC unroll 3
      for (int v = 0; v < V; ++v) sums[r][v] += row * columns[v];
    }
    ++k;
  };
  while (k + kLineFloats <= depth) {
    left.template prepare<R, kLineFloats>(k);
    right.template prepare<V, kLineFloats>(k);
#pragma GCC unroll 4
    for (int i = 0; i < kLineFloats; ++i) step();
  }
  while (k < depth) {
    left.template prepare<R, 1>(k);
    right.template prepare<V, 1>(k);
    step();
  }
  store_tile<R, V>(sums, out);
}

/// `tiles` of them, one below the other. The first one packs the panel, if anyone must.
template <int R, int V, class Left, class Right, class Output>
__attribute__((noinline)) void multiply_tiles(int64_t tiles, int64_t depth, Left left, Right right,
                                              Output out) {
  for (int64_t tile = 0; tile < tiles; ++tile) {
    multiply_tile<R, V>(depth, left, right, out);
    left.template advance<R>(depth);
    right.keep_packed();
    out.c += R * out.across;
  }
}

template <int R, class Left, class Right, class Output>
ESPALIER_INLINE void multiply_tiles(int vectors, int64_t tiles, int64_t depth, const Left& left,
                                    const Right& right, const Output& out) {
  if (vectors == 1) return multiply_tiles<R, 1>(tiles, depth, left, right, out);
  if (vectors == 2) return multiply_tiles<R, 2>(tiles, depth, left, right, out);
  if constexpr (kTileVectors >= 3) multiply_tiles<R, 3>(tiles, depth, left, right, out);
}

}  // namespace
}  // namespace espalier::simd
