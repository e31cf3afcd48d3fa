#include "infer/gated_ffn.h"

#include "kernels/simd/kernels.h"

namespace espalier::infer {

ReadyFfn read(const GatedFfn& ffn, FfnBuffers& buffers) {
  return {ffn.gate.read(buffers.gate), ffn.up.read(buffers.up), ffn.down.read(buffers.down), ffn.width(),
          ffn.inner()};
}

const float* run(const ReadyFfn& ffn, std::int64_t rows, const float* x, const std::int32_t* index,
                 FfnScratch& scratch) {
  const auto& simd = simd::kernels();
  const auto D = ffn.width, F = ffn.inner;
  float* in = scratch.x.room(simd.panel_floats(rows, D));
  float* hidden = scratch.hidden.room(simd.panel_floats(rows, F));
  float* out = scratch.y.room(simd.panel_floats(rows, D));
  float* y = scratch.rows.room(rows * D);
  simd.pack_panels({.x = x, .index = index, .panels = in, .n = rows, .d = D, .stride = D});
  simd.panel_product({.x = in, .weight = ffn.gate, .y = hidden, .n = rows, .in = D, .out = F});
  simd.panel_product(
      {.x = in, .weight = ffn.up, .y = hidden, .n = rows, .in = D, .out = F, .gate = simd::PanelGate::kSilu});
  simd.panel_product({.x = hidden, .weight = ffn.down, .y = out, .n = rows, .in = F, .out = D});
  simd.unpack_panels({.panels = out, .x = y, .n = rows, .d = D, .stride = D});
  return y;
}

}  // namespace espalier::infer
