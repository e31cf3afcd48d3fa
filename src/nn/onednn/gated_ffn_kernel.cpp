#include "nn/onednn/gated_ffn_kernel.h"

#include <omp.h>

#include <algorithm>
#include <memory>

#include "nn/onednn/gemm.h"
#include "nn/onednn/row_parts.h"
#include "nn/simd/kernels.h"

namespace espalier::onednn {
namespace {

std::int64_t gate_up_floats(const FfnShape& s) {
  return 2 * s.hidden * s.width;
}
std::int64_t down_floats(const FfnShape& s) {
  return s.width * s.hidden;
}

GatedView network(const GatedView& w, const FfnShape& s, std::int64_t e) {
  return {w.gate_up + e * gate_up_floats(s), w.down + e * down_floats(s)};
}
GatedGradients network(const GatedGradients& g, const FfnShape& s, std::int64_t e) {
  return {g.gate_up + e * gate_up_floats(s), g.down + e * down_floats(s)};
}

/// A network's gradient from the rows of a thread that does not have the network's first row: added to the
/// others' at the end.
struct Spill {
  std::int64_t network = 0;
  std::unique_ptr<float[]> memory;

  GatedGradients view(const FfnShape& s) const { return {memory.get(), memory.get() + gate_up_floats(s)}; }
  GatedGradients open(const FfnShape& s, std::int64_t e) {
    network = e;
    if (!memory) memory.reset(new float[static_cast<std::size_t>(gate_up_floats(s) + down_floats(s))]);
    return view(s);
  }
};

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
  activate(s, part, h, hidden);
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
  add_weight_gradient(n, 2 * F, D, {dgate_up, hidden.wide}, {x, D}, beta, g.gate_up, D);
  gemm(n, D, 2 * F, {dgate_up, hidden.wide}, {w.gate_up, D}, 0, dx + part.first * D, D);
}

/// Networks without rows.
void clear_unused(const FfnShape& s, const GatedGradients& g) {
  for (std::int64_t e = 0; e < s.networks(); ++e) {
    if (s.offsets[static_cast<std::size_t>(e)] != s.offsets[static_cast<std::size_t>(e) + 1]) continue;
    const auto unused = network(g, s, e);
    std::fill_n(unused.gate_up, gate_up_floats(s), 0.0F);
    std::fill_n(unused.down, down_floats(s), 0.0F);
  }
}

}  // namespace

void gated_forward(const FfnShape& s, const float* x, const GatedView& w, float* h, float* y) {
#pragma omp parallel num_threads(threads_for_rows(s.offsets.back(), s.width* s.hidden))
  {
    const auto parts = row_parts(s.offsets, omp_get_thread_num(), omp_get_num_threads());
    Hidden hidden(s, parts);
    for (const auto& part : parts) forward_part(s, part, x, network(w, s, part.network), h, y, hidden);
  }
}

void gated_backward(const FfnShape& s, const float* x, const GatedView& w, const float* h, const float* dy,
                    float* dx, const GatedGradients& g) {
  clear_unused(s, g);
  const int most_threads = threads_for_rows(s.offsets.back(), s.width * s.hidden);
  std::vector<Spill> spills(static_cast<std::size_t>(most_threads));
#pragma omp parallel num_threads(most_threads)
  {
    const int thread = omp_get_thread_num(), threads = omp_get_num_threads();
    const auto parts = row_parts(s.offsets, thread, threads);
    Hidden hidden(s, parts);
    hidden.make_room_for_gradients();
    GatedGradients to{};
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
      add_share(into.gate_up, from.gate_up, gate_up_floats(s), thread, threads);
      add_share(into.down, from.down, down_floats(s), thread, threads);
    }
  }
}

}  // namespace espalier::onednn
