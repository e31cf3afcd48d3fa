#include "infer/linear.h"

#include "kernels/gemm.h"
#include "kernels/simd/kernels.h"

namespace espalier::infer {
namespace {

/// Up to here, packing the rows beats oneDNN's packing of the weight (kernels/simd/bodies/panels.h).
constexpr std::int64_t kFewRows = 768;

}  // namespace

ReadyLinear::ReadyLinear(const StoredLinear& linear) : out_(linear.weight.out()), in_(linear.weight.in()) {
  if (!linear.weight.defined()) return;
  weight_ = linear.weight.read(weight_buffer_);
  if (linear.bias.defined()) bias_ = linear.bias.read(bias_buffer_);
}

void ReadyLinear::few_rows(std::int64_t N, const float* x, std::int64_t x_stride, LinearStore to, float* y,
                           std::int64_t stride) const {
  const auto& simd = simd::kernels();
  Buffer<float> in, out;
  float* x_panels = in.room(simd.panel_floats(N, in_));
  float* y_panels = out.room(simd.panel_floats(N, out_));
  simd.pack_panels({.x = x, .panels = x_panels, .n = N, .d = in_, .stride = x_stride});
  simd.panel_product({.x = x_panels, .weight = weight_, .y = y_panels, .n = N, .in = in_, .out = out_});
  simd.unpack_panels(
      {.panels = y_panels,
       .x = y,
       .n = N,
       .d = out_,
       .stride = stride,
       .store = to == LinearStore::kAdd ? simd::PanelStore::kAdd : simd::PanelStore::kOverwrite});
}

void ReadyLinear::run(std::int64_t N, const float* x, std::int64_t x_stride, LinearStore to, float* y,
                      std::int64_t stride) const {
  if (N <= kFewRows)
    few_rows(N, x, x_stride, to, y, stride);
  else
    kernels::gemm(N, out_, in_, {x, x_stride}, {weight_, in_, true}, to == LinearStore::kAdd ? 1.0F : 0.0F, y,
                  stride);
  if (bias_ == nullptr) return;
#pragma omp parallel for schedule(static)
  for (std::int64_t i = 0; i < N; ++i)
    for (std::int64_t j = 0; j < out_; ++j) y[i * stride + j] += bias_[j];
}

}  // namespace espalier::infer
