#pragma once

#include "kernels/simd/bodies/block.h"

/// Products of matrices in the manner of Goto and van de Geijn (2008) and BLIS (Van Zee and van de Geijn
/// 2015): packed panels, blocks for each cache, tiles in registers. Which operand lies in the lanes, and
/// whether c is stored turned, is chosen by the cost: the same product either way.
///
/// An element of c is one chain of multiply-adds over each kDepth numbers of k, and the chains are added in
/// order: nothing else enters its value, but that few rows (dots.h) are added in an order of their own.
namespace espalier::simd {
namespace {

/// Multiply-adds that are worth a thread.
constexpr int64_t kThreadWork = 1 << 19;

/// Vector multiply-adds for one step of k, with what packing and turning cost in the same unit (measured).
ESPALIER_INLINE double cost(const Block& b) {
  constexpr double kTurnedColumn = 8.0 / kLanes, kStraightColumn = 0.15, kPackedRow = 0.2, kTurnedSum = 16;
  const auto rows = static_cast<double>(b.left.count), columns = static_cast<double>(b.right.count);
  const auto vectors = static_cast<double>((b.right.count + kLanes - 1) / kLanes);
  const auto steps = static_cast<double>(b.depth < kDepth ? b.depth : kDepth);
  return rows * vectors * (b.c_right == 1 ? 1 : 1 + kTurnedSum / steps) +
         columns * (b.right.along == 1 ? kTurnedColumn : kStraightColumn) +
         (b.left.along == 1 ? 0 : rows * kPackedRow);
}

/// Sides whose rows are decoded part by part; at most one is there.
struct EncodedSides {
  const EncodedRows *left, *right;
};

/// A product cut into parts of `rows` by `columns`.
struct Parts {
  int64_t rows, columns;
  int64_t down(const Block& b) const { return (b.left.count + rows - 1) / rows; }
  int64_t across(const Block& b) const { return (b.right.count + columns - 1) / columns; }
};

/// Halves the longer side until each thread has a few parts. Every cut packs one side once more: sides are
/// cut to less than that is worth only while there is not a part for each thread.
ESPALIER_INLINE Parts cut(const Block& b, int64_t threads) {
  constexpr int64_t kPartsEach = 4, kShortSide = 256;
  Parts parts{b.left.count, b.right.count};
  const auto half = [](int64_t size, int64_t unit) { return (size / 2 + unit - 1) / unit * unit; };
  for (;;) {
    const bool by_columns = parts.columns >= parts.rows;
    const int64_t side = by_columns ? parts.columns : parts.rows, count = parts.down(b) * parts.across(b);
    const int64_t wanted = side > kShortSide ? kPartsEach * threads : threads;
    if (count >= wanted || side <= 2 * kTileRows || parts.rows * parts.columns * b.depth <= kThreadWork)
      break;
    (by_columns ? parts.columns : parts.rows) = half(side, by_columns ? kLanes : kTileRows);
  }
  return parts;
}

/// Rows of an encoded side that a thread decodes at a time: a whole number of tiles.
ESPALIER_INLINE int64_t decoded_rows(int64_t depth) {
  constexpr int64_t kDecodedFloats = 256 * 1024, kUnit = 3 * kPanelColumns, kMost = 288 / kUnit * kUnit;
  const int64_t rows = kDecodedFloats / depth / kUnit * kUnit;
  return rows < kUnit ? kUnit : rows < kMost ? rows : kMost;
}

/// Part `i`, `j` of c, with rows decoded first if a side is encoded.
void multiply_part(const Block& b, const EncodedSides& encoded, const Parts& parts, int64_t i, int64_t j) {
  const int64_t rows = b.left.count - i < parts.rows ? b.left.count - i : parts.rows;
  const int64_t columns = b.right.count - j < parts.columns ? b.right.count - j : parts.columns;
  Block own = b;
  own.left = b.left.from(i, 0, rows);
  own.right = b.right.from(j, 0, columns);
  own.c = b.c + i * b.c_left + j * b.c_right;
  const Scratch decoded(encoded.left != nullptr ? rows * b.depth : encoded.right ? columns * b.depth : 0);
  if (encoded.left != nullptr) {
    encoded.left->decode(encoded.left->rows, i, rows, decoded.data());
    own.left = {decoded.data(), b.depth, 1, rows};
  }
  if (encoded.right != nullptr) {
    encoded.right->decode(encoded.right->rows, j, columns, decoded.data());
    own.right = {decoded.data(), b.depth, 1, columns};
  }
  multiply_block(own);
}

/// Threads take parts one after the other: on a shared machine they are not equally fast.
void multiply_parts(const Block& b, const EncodedSides& encoded) {
  const int64_t worth = b.left.count * b.right.count * b.depth / kThreadWork + 1;
  const int64_t most = omp_in_parallel() ? 1 : omp_get_max_threads();
  const int64_t threads = most < worth ? most : worth;
  Parts parts = threads == 1 ? Parts{b.left.count, b.right.count} : cut(b, threads);
  if (encoded.left != nullptr && parts.rows > decoded_rows(b.depth)) parts.rows = decoded_rows(b.depth);
  if (encoded.right != nullptr && parts.columns > decoded_rows(b.depth))
    parts.columns = decoded_rows(b.depth);
  const int64_t across = parts.across(b), count = parts.down(b) * across;
  if (count == 1) return multiply_part(b, encoded, parts, 0, 0);
#pragma omp parallel for schedule(dynamic, 1) num_threads(static_cast <int>(threads))
  for (int64_t part = 0; part < count; ++part)
    multiply_part(b, encoded, parts, part / across * parts.rows, part % across * parts.columns);
}

void scale_rows(const Gemm& op) {
  for (int64_t i = 0; i < op.m; ++i) {
    float* c = op.c + i * op.c_stride;
    for (int64_t j = 0; j < op.n; ++j) c[j] = op.beta == 0 ? 0 : op.beta * c[j];
  }
}

void gemm(const Gemm& op) {
  if (op.m == 0 || op.n == 0) return;
  if (op.k == 0) return scale_rows(op);
  const Side a{op.a.data, op.a.transposed ? 1 : op.a.stride, op.a.transposed ? op.a.stride : 1, op.m};
  const Side b{op.b.data, op.b.transposed ? op.b.stride : 1, op.b.transposed ? 1 : op.b.stride, op.n};
  Block straight{a, b, op.k, op.c, op.c_stride, 1, op.beta, false};
  Block turned{b, a, op.k, op.c, 1, op.c_stride, op.beta, false};
  straight.few_rows = turned.few_rows = few_rows(straight) || few_rows(turned);
  const bool turn = straight.few_rows ? op.n < op.m : cost(turned) < cost(straight);
  if (turn) return multiply_parts(turned, {op.b.encoded, op.a.encoded});
  multiply_parts(straight, {op.a.encoded, op.b.encoded});
}

}  // namespace
}  // namespace espalier::simd
