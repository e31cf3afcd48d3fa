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

/// Columns that lie side by side: row after row of what is stored.
ESPALIER_INLINE void pack_straight(const Side& side, int64_t depth, float* to) {
  for (int64_t k = 0; k < depth; ++k) {
    const float* from = side.data + k * side.along;
    int64_t j = 0;
    for (; side.count - j >= kPanelColumns && next_vectors(side.count - j) == kTileVectors;
         j += kPanelColumns) {
      float* panel = to + j * depth + k * kPanelColumns;
#pragma GCC unroll 3
      for (int v = 0; v < kTileVectors; ++v)
        AllLanes{}.store(panel + v * kLanes, AllLanes{}.load(from + j + v * kLanes));
    }
    while (j < side.count) {
      const int vectors = next_vectors(side.count - j);
      float* panel = to + j * depth + k * vectors * kLanes;
      for (int v = 0; v < vectors; ++v, j += kLanes, panel += kLanes) {
        if (j + kLanes <= side.count) {
          AllLanes{}.store(panel, AllLanes{}.load(from + j));
        } else {
          AllLanes{}.store(panel, FirstLanes{static_cast<int>(side.count - j)}.load(from + j));
        }
      }
    }
  }
}

/// The right side of `depth` steps as panels [depth][vectors of the panel], one behind the other; columns
/// that are not there become zeros.
void pack_right(const Side& side, int64_t depth, float* to) {
  if (side.along != 1) return pack_straight(side, depth, to);
  for (int64_t j = 0; j < side.count;) {
    const int vectors = next_vectors(side.count - j);
    for (int v = 0; v < vectors; ++v, j += kLanes)
      pack_turned(side.from(j, 0, side.count - j), depth, to + (j - v * kLanes) * depth + v * kLanes,
                  vectors * kLanes);
  }
}

/// The left side of `depth` steps whose rows lie side by side as [depth][kLanes] rows, one behind the other.
void pack_left(const Side& side, int64_t depth, float* to) {
  for (int64_t k = 0; k < depth; ++k) {
    const float* from = side.data + k * side.along;
    int64_t i = 0;
    for (; i + kLanes <= side.count; i += kLanes)
      AllLanes{}.store(to + i * depth + k * kLanes, AllLanes{}.load(from + i));
    for (; i < side.count; ++i) to[i / kLanes * kLanes * depth + k * kLanes + i % kLanes] = from[i];
  }
}

}  // namespace
}  // namespace espalier::simd
