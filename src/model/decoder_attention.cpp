#include "model/decoder_attention.h"

#include <algorithm>

#include "kernels/simd/kernels.h"
#include "nn/onednn/gemm.h"

namespace espalier {
namespace {

/// Up to here, packing the rows beats oneDNN's packing of the weight (kernels/simd/bodies/panels.h).
constexpr std::int64_t kFewRows = 768;

void grow(torch::Tensor& rows, std::int64_t length, std::int64_t needed, std::int64_t width) {
  if (rows.defined() && rows.size(0) >= needed) return;
  auto larger = torch::empty({std::max<std::int64_t>(2 * length, needed), width});
  if (rows.defined()) larger.narrow(0, 0, length).copy_(rows.narrow(0, 0, length));
  rows = larger;
}

void copy_rows(std::int64_t rows, const float* from, std::int64_t stride, std::int64_t width, float* to) {
  for (std::int64_t i = 0; i < rows; ++i) std::copy_n(from + i * stride, width, to + i * width);
}

}  // namespace

ReadyLinear::ReadyLinear(const StoredLinear& linear) : out_(linear.weight.out), in_(linear.weight.in) {
  if (!linear.weight.defined()) return;
  weight_ = linear.weight.read(weight_buffer_);
  if (linear.bias.defined()) bias_ = linear.bias.read(bias_buffer_);
}

void ReadyLinear::few_rows(std::int64_t N, const float* x, std::int64_t x_stride, LinearStore to, float* y,
                           std::int64_t stride) const {
  const auto& simd = simd::kernels();
  WeightBuffer in, out;
  float* x_panels = in.floats(simd.panel_floats(N, in_));
  float* y_panels = out.floats(simd.panel_floats(N, out_));
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
    gemm(N, out_, in_, {x, x_stride}, {weight_, in_, true}, to == LinearStore::kAdd ? 1.0F : 0.0F, y, stride);
  if (bias_ == nullptr) return;
#pragma omp parallel for schedule(static)
  for (std::int64_t i = 0; i < N; ++i)
    for (std::int64_t j = 0; j < out_; ++j) y[i * stride + j] += bias_[j];
}

AttendedKeys append(KeyValues& past, std::int64_t rows, const float* keys, std::int64_t key_stride,
                    std::int64_t key_width, const float* values, std::int64_t value_stride,
                    std::int64_t value_width) {
  grow(past.keys, past.length, past.length + rows, key_width);
  grow(past.values, past.length, past.length + rows, value_width);
  copy_rows(rows, keys, key_stride, key_width, past.keys.data_ptr<float>() + past.length * key_width);
  copy_rows(rows, values, value_stride, value_width,
            past.values.data_ptr<float>() + past.length * value_width);
  past.length += rows;
  return {past.keys.data_ptr<float>(), past.values.data_ptr<float>(), past.length};
}

}  // namespace espalier
