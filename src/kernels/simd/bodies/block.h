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

/// left [rows, depth] times right [columns, depth]^T; element (i, j) of c at c[i * c_left + j * c_right].
struct Block {
  Side left, right;
  int64_t depth;
  float* c;
  int64_t c_left, c_right;
  float beta;
};

/// Whether numbers along k lie side by side on both sides, and there are few rows.
ESPALIER_INLINE bool few_rows(const Block& b) {
  return b.left.count <= kFewRows && b.left.along == 1 && b.right.along == 1;
}

/// A tile's rows, in memory or packed.
struct GroupRows {
  const float* packed;  ///< or nullptr
  int64_t ahead;        ///< how many rows further on rows are wanted next; 0: none
};

template <int R>
ESPALIER_INLINE void multiply_rows(const Block& b, GroupRows group, int64_t i, const float* panel,
                                   int vectors) {
  const TileOutput out{b.c + i * b.c_left, b.c_left, b.c_right, b.right.count, b.beta};
  if (group.packed != nullptr) {
    const PackedLeft left{group.packed + i / kLanes * kLanes * b.depth + i % kLanes};
    return multiply_tile<R>(vectors, b.depth, left, panel, out);
  }
  const float* from = b.left.data + i * b.left.across;
  const float* next = group.ahead == 0 ? nullptr : from + group.ahead * b.left.across;
  multiply_tile<R>(vectors, b.depth, LeftRows{from, b.left.across, next}, panel, out);
}

/// A group of rows times one panel.
ESPALIER_INLINE void multiply_panel(const Block& b, GroupRows group, const float* panel, int vectors) {
  int64_t i = 0;
  for (; i + kTileRows <= b.left.count; i += kTileRows) multiply_rows<kTileRows>(b, group, i, panel, vectors);
  if (kTileRows == 8 && i + 4 <= b.left.count) {
    multiply_rows<4>(b, group, i, panel, vectors);
    i += 4;
  }
  if (i + 2 <= b.left.count) {
    multiply_rows<2>(b, group, i, panel, vectors);
    i += 2;
  }
  if (i < b.left.count) multiply_rows<1>(b, group, i, panel, vectors);
}

/// All rows times packed columns, kDepth steps at most.
ESPALIER_INLINE void multiply_packed(const Block& b, const float* right, float* left) {
  const bool in_place = b.left.along == 1;
  for (int64_t i = 0; i < b.left.count; i += kGroupRows) {
    Block group = b;
    group.left = b.left.from(i, 0, b.left.count - i < kGroupRows ? b.left.count - i : kGroupRows);
    if (!in_place) pack_left(group.left, b.depth, left);
    for (int64_t j = 0; j < b.right.count;) {
      const int vectors = next_vectors(b.right.count - j);
      group.right.count = b.right.count - j;
      group.c = b.c + i * b.c_left + j * b.c_right;
      const bool fetch = j == 0 && i + 2 * kGroupRows <= b.left.count;
      multiply_panel(group, {in_place ? nullptr : left, fetch ? kGroupRows : 0}, right + j * b.depth,
                     vectors);
      j += vectors * kLanes;
    }
  }
}

/// On the calling thread.
void multiply_block(const Block& b) {
  if (few_rows(b))
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
      pack_right(part.right, part.depth, right.data());
      multiply_packed(part, right.data(), left.data());
    }
  }
}

}  // namespace
}  // namespace espalier::simd
