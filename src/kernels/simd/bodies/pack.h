#pragma once

#include "kernels/simd/bodies/tile.h"

/// Sides of a product copied to where tiles read them one line after the other.
namespace espalier::simd {
namespace {

/// One side of a product: number k of row (or column) i lies at data[i * across + k * along]; `across` or
/// `along` is 1.
struct Side {
  const float* data;
  int64_t across, along;
  int64_t count;
  ESPALIER_INLINE Side from(int64_t i, int64_t k, int64_t count_) const {
    return {data + i * across + k * along, across, along, count_};
  }
};

/// Vectors of the next panel with `columns` columns left: no lone vector if the last two panels can be alike.
ESPALIER_INLINE int next_vectors(int64_t columns) {
  const int64_t left = (columns + kLanes - 1) / kLanes;
  if (left == kTileVectors + 1) return (kTileVectors + 2) / 2;
  return static_cast<int>(left < kTileVectors ? left : kTileVectors);
}

/// One vector's columns of a panel whose numbers lie side by side along k: kLanes x kLanes at a time.
ESPALIER_INLINE void pack_turned(const Side& side, int64_t depth, float* to, int64_t to_stride) {
  int64_t k = 0;
  if (side.count >= kLanes) {
    for (; k + kLanes <= depth; k += kLanes) {
      F rows[kLanes];
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) rows[i] = AllLanes{}.load(side.data + i * side.across + k);
      transpose(rows);
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) AllLanes{}.store(to + (k + i) * to_stride, rows[i]);
    }
  }
  for (; k < depth; ++k) {
    for (int i = 0; i < kLanes; ++i)
      to[k * to_stride + i] = i < side.count ? side.data[i * side.across + k] : 0;
  }
}

/// The same for columns that lie side by side.
ESPALIER_INLINE void pack_straight(const Side& side, int64_t depth, float* to, int64_t to_stride) {
  if (side.count >= kLanes) {
    for (int64_t k = 0; k < depth; ++k)
      AllLanes{}.store(to + k * to_stride, AllLanes{}.load(side.data + k * side.along));
    return;
  }
  const FirstLanes lanes{static_cast<int>(side.count)};
  for (int64_t k = 0; k < depth; ++k)
    AllLanes{}.store(to + k * to_stride, lanes.load(side.data + k * side.along));
}

/// The right side of `depth` steps as panels [depth][vectors of the panel], one behind the other; columns
/// that are not there become zeros.
void pack_right(const Side& side, int64_t depth, float* to) {
  for (int64_t j = 0; j < side.count;) {
    const int vectors = next_vectors(side.count - j);
    for (int v = 0; v < vectors; ++v) {
      const int64_t column = j + v * kLanes;
      if (side.along == 1) {
        pack_turned(side.from(column, 0, side.count - column), depth, to + v * kLanes, vectors * kLanes);
      } else {
        pack_straight(side.from(column, 0, side.count - column), depth, to + v * kLanes, vectors * kLanes);
      }
    }
    to += depth * vectors * kLanes;
    j += vectors * kLanes;
  }
}

/// Rows of the next tile with `rows` rows left: kTileRows, or a power of two.
ESPALIER_INLINE int next_rows(int64_t rows) {
  int tile = kTileRows;
  while (tile > rows) tile /= 2;
  return tile;
}

/// The left side of `depth` steps as tiles [depth][rows of the tile], one behind the other.
void pack_left(const Side& side, int64_t depth, float* to) {
  for (int64_t i = 0; i < side.count;) {
    const int rows = next_rows(side.count - i);
    const float* from = side.data + i * side.across;
    if (rows == kTileRows && side.across == 1) {
      for (int64_t k = 0; k < depth; ++k)
        __builtin_memcpy(to + k * kTileRows, from + k * side.along, kTileRows * sizeof(float));
    } else {
      for (int64_t k = 0; k < depth; ++k)
        for (int r = 0; r < rows; ++r) to[k * rows + r] = from[r * side.across + k * side.along];
    }
    to += depth * rows;
    i += rows;
  }
}

}  // namespace
}  // namespace espalier::simd
