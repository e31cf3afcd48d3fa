#include "nn/onednn/ffn_kernel.h"

#include <algorithm>
#include <memory>

#include "nn/onednn/gemm.h"
#include "nn/simd/kernels.h"

namespace espalier::onednn {

void ffn_forward(FfnShape s, const float* x, FfnView w, float* h, float* a, float* y) {
  const auto& kernels = simd::kernels();
  gemm(s.rows, s.hidden, s.width, {x, s.width}, {w.up, s.width, true}, 0, h, s.hidden);
  kernels.gelu_forward({.h = h, .bias = w.up_bias, .a = a, .n = s.rows, .f = s.hidden});
  for (std::int64_t i = 0; i < s.rows; ++i) std::copy_n(w.down_bias, s.width, y + i * s.width);
  gemm(s.rows, s.width, s.hidden, {a, s.hidden}, {w.down, s.hidden, true}, 1, y, s.width);
}

void ffn_backward(FfnShape s, const float* x, FfnView w, const float* h, const float* dy, float* scratch,
                  float* dx, FfnGradients g) {
  const auto& kernels = simd::kernels();
  kernels.column_sums(dy, s.rows, s.width, s.width, g.down_bias);
  kernels.gelu_forward({.h = h, .bias = w.up_bias, .a = scratch, .n = s.rows, .f = s.hidden});
  weight_gradient(s.rows, s.width, s.hidden, dy, scratch, g.down);
  gemm(s.rows, s.hidden, s.width, {dy, s.width}, {w.down, s.hidden}, 0, scratch, s.hidden);
  kernels.gelu_backward({.da = scratch,
                         .h = h,
                         .bias = w.up_bias,
                         .dh = scratch,
                         .dbias = g.up_bias,
                         .n = s.rows,
                         .f = s.hidden});
  weight_gradient(s.rows, s.hidden, s.width, scratch, x, g.up);
  gemm(s.rows, s.width, s.hidden, {scratch, s.hidden}, {w.up, s.width}, 0, dx, s.width);
}

}  // namespace espalier::onednn
