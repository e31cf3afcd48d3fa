#pragma once

#include <cstdint>

#include "kernels/simd/arguments.h"

/// Matrix products without a library, chosen at run time like all of kernels/simd.
namespace espalier::kernels {

using simd::MatrixView;

/// c [m, n] = a [m, k] times b [k, n] + beta * c, float32; c's rows are `c_stride` elements apart and nothing
/// else may lie where c does. With beta = 0 what c held is not read. m, n or k may be 0; NaN and infinity in
/// a, b or c come through.
///
/// Uses all threads, or one inside a parallel region. Deterministic: an element of c is the same sum in the
/// same order whatever the threads, the layouts and the other rows and columns, so that a batch may be cut
/// anywhere; with one exception, c of at most 8 rows or columns where numbers along k lie side by side in a
/// and b: that order is another (but the same on any threads). Instruction sets differ in the last bits.
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, MatrixView a, MatrixView b, float beta, float* c,
          std::int64_t c_stride);

}  // namespace espalier::kernels
