#include "train/onednn/gated_ffn_kernel.h"

#include <algorithm>

#include "kernels/simd/kernels.h"
#include "train/onednn/gemm.h"
#include "train/onednn/network_parts.h"

namespace espalier::onednn {
namespace {

/// A thread's memory for a part: what goes into `down`, its gradient, and the gradient of gate and up, with
/// rows that do not fall into few cache sets.
struct Hidden {
  std::int64_t narrow, wide;  // strides
  std::vector<float> activated, dactivated, dgate_up;

  Hidden(const FfnShape& s, const std::vector<RowPart>& parts)
      : narrow(s.hidden + kRowPadding), wide(2 * s.hidden + kRowPadding) {
    std::int64_t most = 0;
    for (const auto& part : parts) most = std::max(most, part.rows);
    activated.resize(static_cast<std::size_t>(most * narrow));
  }
  void make_room_for_gradients() {
    const auto rows = activated.size() / static_cast<std::size_t>(narrow);
    dactivated.resize(activated.size());
    dgate_up.resize(rows * static_cast<std::size_t>(wide));
  }
};

void activate(const FfnShape& s, const RowPart& part, const float* h, Hidden& hidden) {
  simd::kernels().silu_multiply_rows({.gate_up = h + part.first * 2 * s.hidden,
                                      .a = hidden.activated.data(),
                                      .n = part.rows,
                                      .f = s.hidden,
                                      .a_stride = hidden.narrow});
}

void forward_part(const FfnShape& s, const RowPart& part, const float* x, const GatedView& w, float* h,
                  float* y, Hidden& hidden) {
  const auto n = part.rows, D = s.width, F = s.hidden;
  gemm(n, 2 * F, D, {x + part.first * D, D}, {w.gate_up, D, true}, 0, h + part.first * 2 * F, 2 * F);
  activate(s, part, h, hidden);
  gemm(n, D, F, {hidden.activated.data(), hidden.narrow}, {w.down, F, true}, 0, y + part.first * D, D);
}

void backward_part(const FfnShape& s, const RowPart& part, const float* all_x, const GatedView& w,
                   const float* h, const float* all_dy, float* dx, const GatedGradients& g, Hidden& hidden) {
  const auto n = part.rows, D = s.width, F = s.hidden;
  const float *x = all_x + part.first * D, *dy = all_dy + part.first * D;
  const float beta = part.begins_share ? 0.0F : 1.0F;
  const bool learns = g.down != nullptr;
  if (learns) activate(s, part, h, hidden);
  if (learns)
    add_weight_gradient(n, D, F, {dy, D}, {hidden.activated.data(), hidden.narrow}, beta, g.down, F);
  gemm(n, F, D, {dy, D}, {w.down, F}, 0, hidden.dactivated.data(), hidden.narrow);
  simd::kernels().silu_multiply_backward({.gate_up = h + part.first * 2 * F,
                                          .da = hidden.dactivated.data(),
                                          .dgate_up = hidden.dgate_up.data(),
                                          .n = n,
                                          .f = F,
                                          .da_stride = hidden.narrow,
                                          .stride = hidden.wide});
  const float* dgate_up = hidden.dgate_up.data();
  if (learns) add_weight_gradient(n, 2 * F, D, {dgate_up, hidden.wide}, {x, D}, beta, g.gate_up, D);
  if (dx != nullptr) gemm(n, D, 2 * F, {dgate_up, hidden.wide}, {w.gate_up, D}, 0, dx + part.first * D, D);
}

}  // namespace

void gated_forward(const FfnShape& s, const float* x, const GatedView& w, float* h, float* y) {
  forward_networks(
      s, [&](const auto& parts) { return Hidden(s, parts); },
      [&](const RowPart& part, Hidden& hidden) {
        forward_part(s, part, x, network(w, s, part.network), h, y, hidden);
      });
}

void gated_backward(const FfnShape& s, const float* x, const GatedView& w, const float* h, const float* dy,
                    float* dx, const GatedGradients& g) {
  const auto make_hidden = [&](const auto& parts) {
    Hidden hidden(s, parts);
    hidden.make_room_for_gradients();
    return hidden;
  };
  if (g.down == nullptr)
    return forward_networks(s, make_hidden, [&](const RowPart& part, Hidden& hidden) {
      backward_part(s, part, x, network(w, s, part.network), h, dy, dx, {}, hidden);
    });
  backward_networks(s, g, make_hidden, [&](const RowPart& part, Hidden& hidden, const GatedGradients& to) {
    backward_part(s, part, x, network(w, s, part.network), h, dy, dx, to, hidden);
  });
}

}  // namespace espalier::onednn
