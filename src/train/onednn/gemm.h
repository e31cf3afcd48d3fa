#pragma once

#include <cstdint>

namespace espalier {

/// A row-major matrix in memory, read as it lies or transposed.
struct MatrixView {
  const float* data;
  std::int64_t stride;  ///< elements between rows as stored
  bool transposed = false;
};

/// c [m, n] = a [m, k] times b [k, n] + beta * c, float32, by oneDNN; c's rows are `c_stride` elements apart.
/// Uses all threads, or one inside a parallel region. m, n or k may be 0.
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, MatrixView a, MatrixView b, float beta, float* c,
          std::int64_t c_stride);

/// Floats behind each row of a copy, so that rows a multiple of 1024 bytes long do not share cache sets.
constexpr std::int64_t kRowPadding = 16;  // one cache line

/// dw [out, in] = dy^T x + beta * dw on the calling thread, with dy [rows, out] and x [rows, in] of a few
/// hundred rows at most; dw's rows are `dw_stride` apart.
void add_weight_gradient(std::int64_t rows, std::int64_t out, std::int64_t in, MatrixView dy, MatrixView x,
                         float beta, float* dw, std::int64_t dw_stride);

/// The gradient of a weight: dw [out, in] = dy^T x, with dy [rows, out] and x [rows, in] contiguous.
void weight_gradient(std::int64_t rows, std::int64_t out, std::int64_t in, const float* dy, const float* x,
                     float* dw);

}  // namespace espalier
