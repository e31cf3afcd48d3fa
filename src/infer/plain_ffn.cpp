#include "infer/plain_ffn.h"

#include <omp.h>

#include <algorithm>

#include "infer/row_parts.h"
#include "kernels/gemm.h"
#include "kernels/simd/kernels.h"

namespace espalier::infer {
namespace {

/// Rows of a part: their hidden values stay in the second-level cache from product to product.
constexpr std::int64_t kMostRows = 256;

void run_part(const PlainFfn& ffn, const RowPart& part, const float* all_x, float* all_y, float* hidden) {
  const auto n = part.rows, D = ffn.width(), F = ffn.inner();
  const float *x = all_x + part.first * D, *bias = ffn.down.bias.floats();
  float* y = all_y + part.first * D;
  kernels::gemm(n, F, D, {x, D}, {ffn.up.weight.floats(), D, true}, 0, hidden, F);
  simd::kernels().gelu_forward({.h = hidden, .bias = ffn.up.bias.floats(), .a = hidden, .n = n, .f = F});
  for (std::int64_t i = 0; i < n; ++i) std::copy_n(bias, D, y + i * D);
  kernels::gemm(n, D, F, {hidden, F}, {ffn.down.weight.floats(), F, true}, 1, y, D);
}

}  // namespace

void run(std::span<const PlainFfn> networks, std::span<const std::int32_t> offsets, const float* x,
         float* y) {
  const std::int64_t rows = offsets.back();
  if (rows == 0) return;
  const auto F = networks.front().inner(), D = networks.front().width();
#pragma omp parallel num_threads(threads_for_rows(rows, D* F))
  {
    const auto parts = row_parts(offsets, omp_get_thread_num(), omp_get_num_threads(), kMostRows);
    Buffer<float> hidden(std::min(rows, kMostRows) * F);
    for (const RowPart& part : parts)
      run_part(networks[static_cast<std::size_t>(part.network)], part, x, y, hidden.data());
  }
}

}  // namespace espalier::infer
