#include "nn/onednn/gemm.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <dnnl.hpp>
#include <memory>

#include "base/error.h"

namespace espalier {
namespace {

/// Rows whose distance is a multiple of this many floats fall into few cache sets, and oneDNN's products over
/// a transposed first operand, which it reads in place, slow down (docs/design/matmul.md).
constexpr std::int64_t kAliasingStride = 256;
constexpr std::int64_t kRowPadding = 16;    // one cache line
constexpr std::int64_t kChunkRows = 256;    // tokens whose blocks stay in the second-level cache
constexpr std::int64_t kWidestPart = 1024;  // columns of a block

/// Columns [first, first + width) of a matrix whose rows are `stride` apart, copied to rows of `width` +
/// padding.
class PaddedBlock {
 public:
  explicit PaddedBlock(std::int64_t width)
      : width_(width), data_(new float[static_cast<std::size_t>(kChunkRows * stride())]) {}

  std::int64_t stride() const { return width_ + kRowPadding; }
  const float* copy(const float* from, std::int64_t from_stride, std::int64_t rows) {
    for (std::int64_t i = 0; i < rows; ++i) std::copy_n(from + i * from_stride, width_, &data_[i * stride()]);
    return data_.get();
  }

 private:
  std::int64_t width_;
  std::unique_ptr<float[]> data_;
};

/// dw[:, columns of x] or dw[columns of dy, :] for one part of the wider side, chunk by chunk.
void weight_gradient_part(std::int64_t rows, std::int64_t out, std::int64_t in, const float* dy,
                          std::int64_t dy_stride, const float* x, std::int64_t x_stride, float* dw,
                          std::int64_t dw_stride) {
  PaddedBlock dy_block(out), x_block(in);
  for (std::int64_t begin = 0; begin < rows; begin += kChunkRows) {
    const auto chunk = std::min(kChunkRows, rows - begin);
    const float* a = dy_block.copy(dy + begin * dy_stride, dy_stride, chunk);
    const float* b = x_block.copy(x + begin * x_stride, x_stride, chunk);
    gemm(out, in, chunk, {a, dy_block.stride(), true}, {b, x_block.stride()}, begin == 0 ? 0.0F : 1.0F, dw,
         dw_stride);
  }
}

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
  if (rows == 0 || (out % kAliasingStride != 0 && in % kAliasingStride != 0))
    return gemm(out, in, rows, {dy, out, true}, {x, in}, 0, dw, in);
  const auto wide = std::max(out, in);
  const auto threads = static_cast<std::int64_t>(at::get_num_threads());
  const auto width =
      std::min(kWidestPart, ((wide + threads - 1) / threads + kRowPadding - 1) / kRowPadding * kRowPadding);
  const auto parts = (wide + width - 1) / width;
#pragma omp parallel for schedule(static)
  for (std::int64_t part = 0; part < parts; ++part) {
    const auto first = part * width, columns = std::min(width, wide - first);
    if (out >= in)
      weight_gradient_part(rows, columns, in, dy + first, out, x, in, dw + first * in, in);
    else
      weight_gradient_part(rows, out, columns, dy, out, x + first, in, dw + first, in);
  }
}

}  // namespace espalier
