#pragma once

#include "kernels/simd/bodies/pack.h"
#include "kernels/simd/bodies/parallel.h"

/// Products of matrices in the manner of Goto and van de Geijn (2008) and BLIS (Van Zee and van de Geijn
/// 2015). c = left * right^T tile by tile: `right` is packed so that its columns lie in the lanes of vectors,
/// `left` is read number by number, as it lies or packed. Which operand is which, and whether c is stored
/// turned, is chosen by the cost: the same product either way.
///
/// An element of c is one chain of multiply-adds over each kDepth numbers of k, and the chains are added in
/// order: nothing else enters its value.
namespace espalier::simd {
namespace {

/// Steps of k whose panel (kDepth x kTileVectors) and tiles stay in the first-level cache.
constexpr int64_t kDepth = 256;
/// Columns whose panels stay in the second-level cache while the rows go by.
constexpr int64_t kBlockColumns = 6 * kTileVectors * kLanes;
/// Rows that meet a panel while it is in the first-level cache.
constexpr int64_t kGroupRows = 8 * kTileRows;
/// Multiply-adds that are worth a thread.
constexpr int64_t kThreadWork = 1 << 19;

/// left [rows, depth] times right [columns, depth]^T; element (i, j) of c at c[i * c_left + j * c_right].
struct Block {
  Side left, right;
  int64_t depth;
  float* c;
  int64_t c_left, c_right;
  float beta;
};

struct BlockScratch {
  float* left;
  float* right;
};

/// A few rows times one panel.
ESPALIER_INLINE void multiply_panel(const Block& b, const float* packed_left, const float* panel, int vectors,
                                    int64_t panel_stride) {
  for (int64_t i = 0; i < b.left.count;) {
    const int rows = next_rows(b.left.count - i);
    const TileOutput out{b.c + i * b.c_left, b.c_left, b.c_right, b.right.count, b.beta};
    const auto tile = [&](auto constant_rows) ESPALIER_INLINED {
      constexpr int R = decltype(constant_rows)::value;
      if (packed_left != nullptr) {
        multiply_tile<R>(vectors, b.depth, PackedLeftRows<R>{packed_left + i * b.depth}, panel, panel_stride,
                         out);
      } else {
        multiply_tile<R>(vectors, b.depth, LeftRows{b.left.data + i * b.left.across, b.left.across}, panel,
                         panel_stride, out);
      }
    };
    if (rows == 8) {
      if constexpr (kTileRows == 8) tile(std::integral_constant<int, 8>{});
    } else if (rows == 4) {
      tile(std::integral_constant<int, 4>{});
    } else if (rows == 2) {
      tile(std::integral_constant<int, 2>{});
    } else {
      tile(std::integral_constant<int, 1>{});
    }
    i += rows;
  }
}

/// All rows times packed columns, kDepth steps at most.
ESPALIER_INLINE void multiply_packed(const Block& b, const BlockScratch& scratch) {
  for (int64_t i = 0; i < b.left.count; i += kGroupRows) {
    const int64_t rows = b.left.count - i < kGroupRows ? b.left.count - i : kGroupRows;
    Block group = b;
    group.left = b.left.from(i, 0, rows);
    const bool in_place = b.left.along == 1;
    if (!in_place) pack_left(group.left, b.depth, scratch.left);
    const float* panel = scratch.right;
    for (int64_t j = 0; j < b.right.count;) {
      const int vectors = next_vectors(b.right.count - j);
      group.right = b.right.from(j, 0, b.right.count - j);
      group.c = b.c + i * b.c_left + j * b.c_right;
      multiply_panel(group, in_place ? nullptr : scratch.left, panel, vectors, vectors * kLanes);
      panel += b.depth * vectors * kLanes;
      j += vectors * kLanes;
    }
  }
}

/// On the calling thread.
void multiply_block(const Block& b) {
  const int64_t columns = b.right.count < kBlockColumns ? b.right.count : kBlockColumns;
  const int64_t depth = b.depth < kDepth ? b.depth : kDepth;
  const Scratch memory((columns + kLanes - 1) / kLanes * kLanes * depth + kGroupRows * depth);
  const BlockScratch scratch{memory.data(), memory.data() + kGroupRows * depth};
  for (int64_t j = 0; j < b.right.count; j += columns) {
    const int64_t width = b.right.count - j < columns ? b.right.count - j : columns;
    for (int64_t k = 0; k < b.depth; k += depth) {
      Block part = b;
      part.depth = b.depth - k < depth ? b.depth - k : depth;
      part.left = b.left.from(0, k, b.left.count);
      part.right = b.right.from(j, k, width);
      part.c = b.c + j * b.c_right;
      part.beta = k == 0 ? b.beta : 1;
      pack_right(part.right, part.depth, scratch.right);
      multiply_packed(part, scratch);
    }
  }
}

/// Vector multiply-adds for one step of k, with what packing costs in the same unit (measured).
ESPALIER_INLINE double cost(const Side& left, const Side& right) {
  constexpr double kTurnedColumn = 0.5, kStraightColumn = 0.15, kPackedRow = 0.2;
  const auto rows = static_cast<double>(left.count), columns = static_cast<double>(right.count);
  const auto vectors = static_cast<double>((right.count + kLanes - 1) / kLanes);
  return rows * vectors + columns * (right.along == 1 ? kTurnedColumn : kStraightColumn) +
         (left.along == 1 ? 0 : rows * kPackedRow);
}

void scale_rows(const Gemm& op) {
  for (int64_t i = 0; i < op.m; ++i) {
    float* c = op.c + i * op.c_stride;
    for (int64_t j = 0; j < op.n; ++j) c[j] = op.beta == 0 ? 0 : op.beta * c[j];
  }
}

/// Parts of the product that threads take one after the other: on a shared machine they are not equally fast.
void multiply_parts(const Block& b) {
  const int64_t work = b.left.count * b.right.count * b.depth;
  int64_t threads = omp_in_parallel() ? 1 : omp_get_max_threads();
  if (threads > work / kThreadWork + 1) threads = work / kThreadWork + 1;
  if (threads == 1) return multiply_block(b);
  int64_t rows = b.left.count, columns = b.right.count;
  const auto parts = [&] {
    return ((b.left.count + rows - 1) / rows) * ((b.right.count + columns - 1) / columns);
  };
  constexpr int64_t kPanel = kTileVectors * kLanes;
  while (parts() < 4 * threads && rows * columns * b.depth > 2 * kThreadWork) {
    if (columns > 2 * kPanel && columns * 2 > rows) {
      columns = (columns / 2 + kPanel - 1) / kPanel * kPanel;
    } else if (rows > 2 * kTileRows) {
      rows = (rows / 2 + kTileRows - 1) / kTileRows * kTileRows;
    } else {
      break;
    }
  }
  const int64_t across = (b.right.count + columns - 1) / columns;
  const int64_t count = parts();
#pragma omp parallel for schedule(dynamic, 1) num_threads(static_cast <int>(threads))
  for (int64_t part = 0; part < count; ++part) {
    const int64_t i = part / across * rows, j = part % across * columns;
    Block own = b;
    own.left = b.left.from(i, 0, b.left.count - i < rows ? b.left.count - i : rows);
    own.right = b.right.from(j, 0, b.right.count - j < columns ? b.right.count - j : columns);
    own.c = b.c + i * b.c_left + j * b.c_right;
    multiply_block(own);
  }
}

void gemm(const Gemm& op) {
  if (op.m == 0 || op.n == 0) return;
  if (op.k == 0) return scale_rows(op);
  const Side a{op.a.data, op.a.transposed ? 1 : op.a.stride, op.a.transposed ? op.a.stride : 1, op.m};
  const Side b{op.b.data, op.b.transposed ? op.b.stride : 1, op.b.transposed ? 1 : op.b.stride, op.n};
  if (cost(a, b) <= cost(b, a)) {
    multiply_parts({a, b, op.k, op.c, op.c_stride, 1, op.beta});
  } else {
    multiply_parts({b, a, op.k, op.c, 1, op.c_stride, op.beta});
  }
}

}  // namespace
}  // namespace espalier::simd
