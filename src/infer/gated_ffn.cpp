#include "infer/gated_ffn.h"

#include "kernels/simd/kernels.h"

namespace espalier::infer {

ReadyFfn read(const GatedFfn& ffn, FfnBuffers& buffers) {
  return {{ffn.gate.read(buffers.gate)},
          {ffn.up.read(buffers.up)},
          {ffn.down.read(buffers.down)},
          ffn.width(),
          ffn.inner()};
}

ReadyFfn open(const GatedFfn& ffn, FfnBuffers& buffers) {
  return {ffn.gate.open(buffers.gate), ffn.up.open(buffers.up), ffn.down.open(buffers.down), ffn.width(),
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
  const auto product = [&](const ReadyWeight& weight, const float* from, float* to, std::int64_t width,
                           std::int64_t outputs, simd::PanelGate gate) {
    simd.panel_product({.x = from,
                        .weight = weight.floats,
                        .encoded = weight.rows(),
                        .y = to,
                        .n = rows,
                        .in = width,
                        .out = outputs,
                        .gate = gate});
  };
  product(ffn.gate, in, hidden, D, F, simd::PanelGate::kNone);
  product(ffn.up, in, hidden, D, F, simd::PanelGate::kSilu);
  product(ffn.down, hidden, out, F, D, simd::PanelGate::kNone);
  simd.unpack_panels({.panels = out, .x = y, .n = rows, .d = D, .stride = D});
  return y;
}

}  // namespace espalier::infer
