#include "train/onednn/ffn_kernel.h"

#include <algorithm>

#include "kernels/simd/kernels.h"
#include "train/onednn/gemm.h"
#include "train/onednn/network_parts.h"

namespace espalier::onednn {
namespace {

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
  const bool learns = g.up != nullptr;
  if (learns) {
    activate(s, part, h, w.up_bias, hidden);
    add_weight_gradient(n, D, F, {dy, D}, {inner, stride}, beta, g.down, F);
    add_column_sums(dy, n, D, D, part.begins_share, hidden, g.down_bias);
  }
  gemm(n, F, D, {dy, D}, {w.down, F}, 0, inner, stride);
  for (std::int64_t i = 0; i < n; ++i)
    simd::kernels().gelu_backward({.da = inner + i * stride,
                                   .h = h + (part.first + i) * F,
                                   .bias = w.up_bias,
                                   .dh = inner + i * stride,
                                   .n = 1,
                                   .f = F});
  if (learns) {
    add_weight_gradient(n, F, D, {inner, stride}, {x, D}, beta, g.up, D);
    add_column_sums(inner, n, F, stride, part.begins_share, hidden, g.up_bias);
  }
  if (dx != nullptr) gemm(n, D, F, {inner, stride}, {w.up, D}, 0, dx + part.first * D, D);
}

}  // namespace

void ffn_forward(const FfnShape& s, const float* x, const FfnView& w, float* h, float* y) {
  forward_networks(
      s, [&](const auto& parts) { return Hidden(s, parts); },
      [&](const RowPart& part, Hidden& hidden) {
        forward_part(s, part, x, network(w, s, part.network), h, y, hidden);
      });
}

void ffn_backward(const FfnShape& s, const float* x, const FfnView& w, const float* h, const float* dy,
                  float* dx, const FfnGradients& g) {
  const auto make_hidden = [&](const auto& parts) { return Hidden(s, parts); };
  if (g.up == nullptr)
    return forward_networks(s, make_hidden, [&](const RowPart& part, Hidden& hidden) {
      backward_part(s, part, x, network(w, s, part.network), h, dy, dx, {}, hidden);
    });
  backward_networks(s, g, make_hidden, [&](const RowPart& part, Hidden& hidden, const FfnGradients& to) {
    backward_part(s, part, x, network(w, s, part.network), h, dy, dx, to, hidden);
  });
}

}  // namespace espalier::onednn
