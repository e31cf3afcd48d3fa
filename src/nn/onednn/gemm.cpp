#include "nn/onednn/gemm.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <dnnl.hpp>
#include <memory>

#include "base/error.h"
#include "nn/simd/kernels.h"

namespace espalier {
namespace {

/// Rows whose distance is a multiple of this many floats (a memory page) fall into the same cache sets, and
/// oneDNN's products over a transposed first operand slow down by half.
constexpr std::int64_t kAliasingStride = 256;
constexpr std::int64_t kRowPadding = 16;  // one cache line

void scale_rows(std::int64_t m, std::int64_t n, float beta, float* c, std::int64_t c_stride) {
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j) c[i * c_stride + j] = beta == 0 ? 0 : beta * c[i * c_stride + j];
}

}  // namespace

void gemm(std::int64_t m, std::int64_t n, std::int64_t k, MatrixView a, MatrixView b, float beta, float* c,
          std::int64_t c_stride) {
  if (m == 0 || n == 0) return;
  if (k == 0) return scale_rows(m, n, beta, c, c_stride);
  const auto status = dnnl_sgemm(a.transposed ? 'T' : 'N', b.transposed ? 'T' : 'N', m, n, k, 1.0F, a.data,
                                 a.stride, b.data, b.stride, beta, c, c_stride);
  if (status != dnnl_success)
    throw InternalError(
        fmt::format("dnnl_sgemm failed with status {} for {} x {} x {}", static_cast<int>(status), m, n, k));
}

void weight_gradient(std::int64_t rows, std::int64_t out, std::int64_t in, const float* dy, const float* x,
                     float* dw) {
  if (out % kAliasingStride != 0 || rows == 0)
    return gemm(out, in, rows, {dy, out, true}, {x, in}, 0, dw, in);
  // Transposing first costs one pass over dy and lets the product run at the forward rate.
  const auto stride =
      rows + kRowPadding - rows % kRowPadding + (rows % kAliasingStride == 0 ? kRowPadding : 0);
  const std::unique_ptr<float[]> transposed(new float[static_cast<std::size_t>(out * stride)]);
  simd::kernels().transpose(
      {.x = dy, .y = transposed.get(), .m = rows, .n = out, .x_stride = out, .y_stride = stride});
  gemm(out, in, rows, {transposed.get(), stride}, {x, in}, 0, dw, in);
}

}  // namespace espalier
