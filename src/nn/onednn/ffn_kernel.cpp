#include "nn/onednn/ffn_kernel.h"

#include <omp.h>

#include <algorithm>
#include <memory>

#include "nn/onednn/gemm.h"
#include "nn/onednn/row_parts.h"
#include "nn/simd/kernels.h"

namespace espalier::onednn {
namespace {

FfnView network(const FfnView& w, const FfnShape& s, std::int64_t e) {
  return {w.up + e * s.hidden * s.width, w.up_bias + e * s.hidden, w.down + e * s.width * s.hidden,
          w.down_bias + e * s.width};
}

FfnGradients network(const FfnGradients& g, const FfnShape& s, std::int64_t e) {
  return {g.up + e * s.hidden * s.width, g.up_bias + e * s.hidden, g.down + e * s.width * s.hidden,
          g.down_bias + e * s.width};
}

void clear(const FfnGradients& g, const FfnShape& s) {
  std::fill_n(g.up, s.hidden * s.width, 0.0F);
  std::fill_n(g.up_bias, s.hidden, 0.0F);
  std::fill_n(g.down, s.width * s.hidden, 0.0F);
  std::fill_n(g.down_bias, s.width, 0.0F);
}

/// A network's gradient from the rows of a thread that does not have the network's first row: added to the
/// others' at the end.
struct Spill {
  std::int64_t network = 0;
  std::unique_ptr<float[]> memory;

  FfnGradients view(const FfnShape& s) const {
    float* up = memory.get();
    float* down = up + s.hidden * s.width;
    float* up_bias = down + s.width * s.hidden;
    return {up, up_bias, down, up_bias + s.hidden};
  }
  FfnGradients open(const FfnShape& s, std::int64_t e) {
    network = e;
    if (!memory) memory.reset(new float[static_cast<std::size_t>((2 * s.width + 1) * s.hidden + s.width)]);
    return view(s);
  }
};

/// A thread's memory for the hidden values of a part, with rows that do not fall into few cache sets.
struct Hidden {
  std::int64_t stride;
  std::vector<float> values, sums;

  Hidden(const FfnShape& s, const std::vector<RowPart>& parts)
      : stride(s.hidden + kRowPadding), sums(static_cast<std::size_t>(std::max(s.hidden, s.width))) {
    std::int64_t most = 0;
    for (const auto& part : parts) most = std::max(most, part.rows);
    values.resize(static_cast<std::size_t>(most * stride));
  }
};

/// to [columns] = or += the column sums of a part.
void add_column_sums(const float* rows, std::int64_t count, std::int64_t columns, std::int64_t stride,
                     bool first, Hidden& hidden, float* to) {
  simd::kernels().column_sums(rows, count, columns, stride, hidden.sums.data());
  for (std::int64_t j = 0; j < columns; ++j)
    to[j] =
        first ? hidden.sums[static_cast<std::size_t>(j)] : to[j] + hidden.sums[static_cast<std::size_t>(j)];
}

void activate(const FfnShape& s, const RowPart& part, const float* h, const float* bias, Hidden& hidden) {
  for (std::int64_t i = 0; i < part.rows; ++i)
    simd::kernels().gelu_forward({.h = h + (part.first + i) * s.hidden,
                                  .bias = bias,
                                  .a = hidden.values.data() + i * hidden.stride,
                                  .n = 1,
                                  .f = s.hidden});
}

void forward_part(const FfnShape& s, const RowPart& part, const float* x, const FfnView& w, float* h,
                  float* y, Hidden& hidden) {
  const auto n = part.rows, D = s.width, F = s.hidden;
  gemm(n, F, D, {x + part.first * D, D}, {w.up, D, true}, 0, h + part.first * F, F);
  activate(s, part, h, w.up_bias, hidden);
  for (auto i = part.first; i < part.first + n; ++i) std::copy_n(w.down_bias, D, y + i * D);
  gemm(n, D, F, {hidden.values.data(), hidden.stride}, {w.down, F, true}, 1, y + part.first * D, D);
}

void backward_part(const FfnShape& s, const RowPart& part, const float* all_x, const FfnView& w,
                   const float* h, const float* all_dy, float* dx, const FfnGradients& g, Hidden& hidden) {
  const auto n = part.rows, D = s.width, F = s.hidden, stride = hidden.stride;
  const float *x = all_x + part.first * D, *dy = all_dy + part.first * D;
  float* inner = hidden.values.data();
  const float beta = part.begins_share ? 0.0F : 1.0F;
  activate(s, part, h, w.up_bias, hidden);
  add_weight_gradient(n, D, F, {dy, D}, {inner, stride}, beta, g.down, F);
  add_column_sums(dy, n, D, D, part.begins_share, hidden, g.down_bias);
  gemm(n, F, D, {dy, D}, {w.down, F}, 0, inner, stride);
  for (std::int64_t i = 0; i < n; ++i)
    simd::kernels().gelu_backward({.da = inner + i * stride,
                                   .h = h + (part.first + i) * F,
                                   .bias = w.up_bias,
                                   .dh = inner + i * stride,
                                   .n = 1,
                                   .f = F});
  add_weight_gradient(n, F, D, {inner, stride}, {x, D}, beta, g.up, D);
  add_column_sums(inner, n, F, stride, part.begins_share, hidden, g.up_bias);
  gemm(n, D, F, {inner, stride}, {w.up, D}, 0, dx + part.first * D, D);
}

}  // namespace

void ffn_forward(const FfnShape& s, const float* x, const FfnView& w, float* h, float* y) {
#pragma omp parallel num_threads(threads_for_rows(s.offsets.back(), s.width* s.hidden))
  {
    const auto parts = row_parts(s.offsets, omp_get_thread_num(), omp_get_num_threads());
    Hidden hidden(s, parts);
    for (const auto& part : parts) forward_part(s, part, x, network(w, s, part.network), h, y, hidden);
  }
}

void ffn_backward(const FfnShape& s, const float* x, const FfnView& w, const float* h, const float* dy,
                  float* dx, const FfnGradients& g) {
  for (std::int64_t e = 0; e < s.networks(); ++e)
    if (s.offsets[static_cast<std::size_t>(e)] == s.offsets[static_cast<std::size_t>(e) + 1])
      clear(network(g, s, e), s);
  const int most_threads = threads_for_rows(s.offsets.back(), s.width * s.hidden);
  std::vector<Spill> spills(static_cast<std::size_t>(most_threads));
#pragma omp parallel num_threads(most_threads)
  {
    const int thread = omp_get_thread_num(), threads = omp_get_num_threads();
    const auto parts = row_parts(s.offsets, thread, threads);
    Hidden hidden(s, parts);
    FfnGradients to{};
    for (const auto& part : parts) {
      if (part.begins_share) {
        const bool whole = part.first == s.offsets[static_cast<std::size_t>(part.network)];
        to = whole ? network(g, s, part.network)
                   : spills[static_cast<std::size_t>(thread)].open(s, part.network);
      }
      backward_part(s, part, x, network(w, s, part.network), h, dy, dx, to, hidden);
    }
#pragma omp barrier
    for (const auto& spill : spills) {
      if (!spill.memory) continue;
      const auto from = spill.view(s), into = network(g, s, spill.network);
      add_share(into.up, from.up, s.hidden * s.width, thread, threads);
      add_share(into.down, from.down, s.hidden * s.width, thread, threads);
      add_share(into.up_bias, from.up_bias, s.hidden, thread, threads);
      add_share(into.down_bias, from.down_bias, s.width, thread, threads);
    }
  }
}

}  // namespace espalier::onednn
