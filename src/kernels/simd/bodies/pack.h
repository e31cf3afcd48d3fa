#pragma once

#include "kernels/simd/bodies/tile.h"

/// Sides of a product copied to where tiles read them one line after the other.
namespace espalier::simd {
namespace {

/// One side of a product: number k of row (or column) i lies at data[i * across + k * along]; `across` or
/// `along` is 1. With `index` it is row index[i]'s.
struct Side {
  const float* data;
  int64_t across, along;
  int64_t count;
  const std::int32_t* index = nullptr;
  ESPALIER_INLINE Side from(int64_t i, int64_t k, int64_t count_) const {
    if (index != nullptr) return {data + k * along, across, along, count_, index + i};
    return {data + i * across + k * along, across, along, count_, nullptr};
  }
  ESPALIER_INLINE const float* row(int64_t i) const {
    return data + (index == nullptr ? i : index[i]) * across;
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
  const float* from[kLanes];
  for (int i = 0; i < kLanes; ++i) from[i] = i < side.count ? side.row(i) : nullptr;
  int64_t k = 0;
  if (side.count >= kLanes) {
    for (; k + kLanes <= depth; k += kLanes) {
      F rows[kLanes];
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) rows[i] = AllLanes{}.load(from[i] + k);
      transpose(rows);
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) AllLanes{}.store(to + (k + i) * to_stride, rows[i]);
    }
  }
  for (; k < depth; ++k) {
    for (int i = 0; i < kLanes; ++i) to[k * to_stride + i] = from[i] != nullptr ? from[i][k] : 0;
  }
}

/// `vectors` of columns that lie side by side, `depth` steps of them.
ESPALIER_INLINE void pack_straight(const Side& side, int64_t depth, int vectors, float* to) {
  const int64_t width = vectors * kLanes;
  for (int64_t k = 0; k < depth; ++k, to += width) {
    const float* from = side.data + k * side.along;
    if (side.count >= width) {
      for (int64_t j = 0; j < width; j += kLanes) AllLanes{}.store(to + j, AllLanes{}.load(from + j));
    } else {
      for (int64_t j = 0; j < width; ++j) to[j] = j < side.count ? from[j] : 0;
    }
  }
}

/// A panel's columns, [depth][vectors]; those that are not there become zeros.
ESPALIER_INLINE void pack_panel(const Side& side, int64_t depth, int vectors, float* to) {
  if (side.along != 1) return pack_straight(side, depth, vectors, to);
  for (int v = 0; v < vectors; ++v)
    pack_turned(side.from(v * kLanes, 0, side.count - v * kLanes), depth, to + v * kLanes, vectors * kLanes);
}

/// Floats between steps of what lies side by side: from half a page on, tiles had better not go over the
/// steps one tile after the other.
constexpr int64_t kFarApart = 512;

/// All panels' columns that lie side by side, step by step.
void pack_columns(const Side& side, int64_t depth, float* to) {
  for (int64_t k = 0; k < depth; ++k)
    for (int64_t j = 0; j < side.count;) {
      const int vectors = next_vectors(side.count - j);
      pack_straight(side.from(j, k, side.count - j), 1, vectors, to + j * depth + k * vectors * kLanes);
      j += vectors * kLanes;
    }
}

/// All tiles' rows that lie side by side, step by step: [depth][kTileRows], the last ones in smaller tiles.
void pack_rows(const Side& side, int64_t depth, float* to) {
  for (int64_t k = 0; k < depth; ++k) {
    const float* from = side.data + k * side.along;
    int64_t i = 0;
    for (; i + kTileRows <= side.count; i += kTileRows)
      __builtin_memcpy(to + i * depth + k * kTileRows, from + i, kTileRows * sizeof(float));
    for (int64_t rows = kTileRows / 2; rows > 0; rows /= 2)
      for (; i + rows <= side.count; i += rows)
        for (int64_t r = 0; r < rows; ++r) to[i * depth + k * rows + r] = from[i + r];
  }
}

}  // namespace
}  // namespace espalier::simd
