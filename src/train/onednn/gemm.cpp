#include "train/onednn/gemm.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <dnnl.hpp>
#include <memory>

#include "base/error.h"
#include "train/onednn/cache_sets.h"

namespace espalier {
namespace {

/// Rows whose distance is a multiple of this many floats fall into few cache sets, and oneDNN's products over
/// a transposed first operand, which it reads in place, slow down (docs/design/matmul.md).
constexpr std::int64_t kAliasingStride = 256;
constexpr std::int64_t kChunkRows = 256;    // tokens whose blocks stay in the second-level cache
constexpr std::int64_t kWidestPart = 1024;  // columns of a block

/// `columns` of each row, copied to rows that are longer by the padding where their own distance is a trap.
class PaddedRows {
 public:
  PaddedRows(MatrixView from, std::int64_t rows, std::int64_t columns) : view_(from) {
    if (from.stride % kAliasingStride != 0 || !rows_may_alias()) return;
    view_.stride = columns + kRowPadding;
    copy_.reset(new float[static_cast<std::size_t>(rows * view_.stride)]);
    for (std::int64_t i = 0; i < rows; ++i)
      std::copy_n(from.data + i * from.stride, columns, &copy_[i * view_.stride]);
    view_.data = copy_.get();
  }
  const MatrixView& view() const { return view_; }

 private:
  MatrixView view_;
  std::unique_ptr<float[]> copy_;
};

/// dw[:, columns of x] or dw[columns of dy, :] for one part of the wider side, chunk by chunk.
void weight_gradient_part(std::int64_t rows, std::int64_t out, std::int64_t in, MatrixView dy, MatrixView x,
                          float* dw, std::int64_t dw_stride) {
  for (std::int64_t begin = 0; begin < rows; begin += kChunkRows)
    add_weight_gradient(std::min(kChunkRows, rows - begin), out, in, {dy.data + begin * dy.stride, dy.stride},
                        {x.data + begin * x.stride, x.stride}, begin == 0 ? 0.0F : 1.0F, dw, dw_stride);
}

void scale_rows(std::int64_t m, std::int64_t n, float beta, float* c, std::int64_t c_stride) {
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j) c[i * c_stride + j] = beta == 0 ? 0 : beta * c[i * c_stride + j];
}

}  // namespace

bool rows_may_alias() {
  static const bool may =
      (dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core) != dnnl_cpu_isa_avx512_core;
  return may;
}

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

void add_weight_gradient(std::int64_t rows, std::int64_t out, std::int64_t in, MatrixView dy, MatrixView x,
                         float beta, float* dw, std::int64_t dw_stride) {
  const PaddedRows left(dy, rows, out), right(x, rows, in);
  gemm(out, in, rows, {left.view().data, left.view().stride, true}, right.view(), beta, dw, dw_stride);
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
      weight_gradient_part(rows, columns, in, {dy + first, out}, {x, in}, dw + first * in, in);
    else
      weight_gradient_part(rows, out, columns, {dy, out}, {x + first, in}, dw + first, in);
  }
}

}  // namespace espalier
