#include "nn/gated_ffn.h"

#include "nn/onednn/gemm.h"
#include "nn/simd/kernels.h"

namespace espalier {

ReadyFfn read(const GatedFfn& ffn, FfnBuffers& buffers) {
  return {ffn.gate.read(buffers.gate), ffn.up.read(buffers.up), ffn.down.read(buffers.down), ffn.width(),
          ffn.inner()};
}

void run(const ReadyFfn& ffn, std::int64_t rows, const float* x, float* hidden, float beta, float* y) {
  const auto D = ffn.width, F = ffn.inner;
  float* up = hidden + rows * F;
  gemm(rows, F, D, {x, D}, {ffn.gate, D, true}, 0, hidden, F);
  gemm(rows, F, D, {x, D}, {ffn.up, D, true}, 0, up, F);
  simd::kernels().silu_multiply(hidden, up, rows * F);
  gemm(rows, D, F, {hidden, F}, {ffn.down, F, true}, beta, y, D);
}

}  // namespace espalier
