#pragma once

#include "kernels/simd/bodies/dots.h"
#include "kernels/simd/bodies/pack.h"
#include "kernels/simd/bodies/parallel.h"

/// A product on one thread, tile by tile: the right side packed, the left one read as it lies if its numbers
/// along k lie side by side.
namespace espalier::simd {
namespace {

/// Steps of k in one chain of multiply-adds: the tiles' rows stay in the first-level cache.
constexpr int64_t kDepth = 384;
/// Columns whose panels stay in the second-level cache while the rows go by.
constexpr int64_t kBlockColumns = 288 / kPanelColumns * kPanelColumns;
/// Rows that meet one panel after the other.
constexpr int64_t kGroupRows = 64;

/// Rows beside which it is worth going over a far-apart side once more.
constexpr int64_t kManyRows = 512;

/// left [rows, depth] times right [columns, depth]^T; element (i, j) of c at c[i * c_left + j * c_right].
struct Block {
  Side left, right;
  int64_t depth;
  float* c;
  int64_t c_left, c_right;
  float beta;
  bool few_rows;           ///< the product that this is part of is one of few rows
  bool many_rows = false;  ///< so many that packing is little beside multiplying
};

/// Whether numbers along k lie side by side on both sides, and there are few rows.
ESPALIER_INLINE bool few_rows(const Block& b) {
  return b.left.count <= kFewRows && b.left.along == 1 && b.right.along == 1;
}

/// What a group of rows needs beside them.
struct GroupRows {
  float* packed;  ///< memory for them; nullptr: read in place
  bool pack;      ///< not packed yet
  int64_t ahead;  ///< how many rows further on rows are wanted next; 0: none
};

template <int R>
ESPALIER_INLINE void multiply_rows(const Block& b, const GroupRows& group, int64_t i, int64_t tiles,
                                   const RightPanel& right, int vectors) {
  const TileOutput out{b.c + i * b.c_left, b.c_left, b.c_right, b.right.count, b.beta};
  if (group.packed != nullptr) {
    const PackedLeft left{group.packed + i * b.depth, group.pack ? b.left.data + i : nullptr, b.left.along};
    return multiply_tiles<R>(vectors, tiles, b.depth, left, right, out);
  }
  const float* from = b.left.data + i * b.left.across;
  multiply_tiles<R>(vectors, tiles, b.depth, LeftRows{from, b.left.across, group.ahead * b.left.across},
                    right, out);
}

/// A group of rows times one panel.
ESPALIER_INLINE void multiply_panel(const Block& b, const GroupRows& group, RightPanel right, int vectors) {
  int64_t i = 0;
  const auto rows_by = [&](auto rows) ESPALIER_INLINED {
    constexpr int R = decltype(rows)::value;
    const int64_t tiles = (b.left.count - i) / R;
    if (tiles == 0) return;
    multiply_rows<R>(b, group, i, tiles, right, vectors);
    right.from = nullptr;
    i += tiles * R;
  };
  rows_by(std::integral_constant<int, kTileRows>{});
  if constexpr (kTileRows > 4) rows_by(std::integral_constant<int, 4>{});
  rows_by(std::integral_constant<int, 2>{});
  rows_by(std::integral_constant<int, 1>{});
}

/// Whether columns are packed before any tile, step by step: they lie side by side, the steps far apart.
ESPALIER_INLINE bool packs_ahead(const Block& b) {
  return b.right.across == 1 && b.right.along >= kFarApart && b.many_rows;
}

/// How the panel is to be had that group `i` of rows meets at column `j`: packed by the first tile that meets
/// it, if its columns lie side by side and not far apart.
ESPALIER_INLINE RightPanel panel_for(const Block& group, int64_t i, int vectors, float* packed) {
  const Side& right = group.right;
  const bool straight = right.across == 1;
  if (i > 0 || packs_ahead(group)) return {packed, nullptr, 0};
  if (straight && right.count >= vectors * kLanes) return {packed, right.data, right.along};
  pack_panel(right, group.depth, vectors, packed);
  return {packed, nullptr, 0};
}

/// All rows times `b.right`'s columns, kDepth steps at most, with memory for packed panels and rows.
ESPALIER_INLINE void multiply_packed(const Block& b, float* right, float* left) {
  if (packs_ahead(b)) pack_columns(b.right, b.depth, right);
  const bool in_place = b.left.along == 1, far = b.left.along >= kFarApart;
  for (int64_t i = 0; i < b.left.count; i += kGroupRows) {
    Block group = b;
    group.left = b.left.from(i, 0, b.left.count - i < kGroupRows ? b.left.count - i : kGroupRows);
    if (!in_place && far) pack_rows(group.left, b.depth, left);
    for (int64_t j = 0; j < b.right.count;) {
      const int vectors = next_vectors(b.right.count - j);
      group.right = b.right.from(j, 0, b.right.count - j);
      group.c = b.c + i * b.c_left + j * b.c_right;
      const bool fetch = j == 0 && i + 2 * kGroupRows <= b.left.count;
      multiply_panel(group, {in_place ? nullptr : left, j == 0 && !far, fetch ? kGroupRows : 0},
                     panel_for(group, i, vectors, right + j * b.depth), vectors);
      j += vectors * kLanes;
    }
  }
}

/// On the calling thread.
void multiply_block(const Block& b) {
  if (b.few_rows)
    return multiply_few_rows(b.left, b.right, b.depth, {b.c, b.c_left, b.c_right, b.right.count, b.beta});
  const int64_t columns = b.right.count < kBlockColumns ? b.right.count : kBlockColumns;
  const int64_t depth = b.depth < kDepth ? b.depth : kDepth;
  const Scratch left(b.left.along == 1 ? 0 : kGroupRows * depth);
  const Scratch right((columns + kLanes - 1) / kLanes * kLanes * depth);
  for (int64_t j = 0; j < b.right.count; j += columns) {
    const int64_t width = b.right.count - j < columns ? b.right.count - j : columns;
    for (int64_t k = 0; k < b.depth; k += depth) {
      Block part = b;
      part.depth = b.depth - k < depth ? b.depth - k : depth;
      part.left = b.left.from(0, k, b.left.count);
      part.right = b.right.from(j, k, width);
      part.c = b.c + j * b.c_right;
      part.beta = k == 0 ? b.beta : 1;
      part.many_rows = b.left.count > kManyRows;
      multiply_packed(part, right.data(), left.data());
    }
  }
}

}  // namespace
}  // namespace espalier::simd
