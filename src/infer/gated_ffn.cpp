#include "infer/gated_ffn.h"

#include "infer/activations.h"
#include "kernels/gemm.h"
#include "kernels/simd/kernels.h"

namespace espalier::infer {
namespace {

bool is_swiglu(const GatedFfn& ffn) {
  arch::FeedForward plain;
  plain.width = ffn.rule.width;
  return ffn.rule == plain;
}

const float* read_bias(const StoredWeight& bias, Buffer<float>& buffer) {
  return bias.defined() ? bias.read(buffer) : nullptr;
}

/// SwiGLU: rows are packed once and stay so through all three products (kernels/simd/bodies/panels.h).
const float* run_panels(const ReadyFfn& ffn, std::int64_t rows, const float* x, const std::int32_t* index,
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

/// Any network that `arch::FeedForward` can tell.
const float* run_rows(const ReadyFfn& ffn, std::int64_t rows, const float* x, const std::int32_t* index,
                      FfnScratch& scratch) {
  const auto D = ffn.width, F = ffn.inner;
  if (index != nullptr) {
    float* taken = scratch.x.room(rows * D);
    simd::kernels().gather_rows(x, index, rows, D, taken);
    x = taken;
  }
  const auto product = [&](const ReadyWeight& weight, const float* bias, const float* from, float* to,
                           std::int64_t in, std::int64_t out) {
    kernels::gemm(rows, out, in, {from, in}, {weight.floats, in, true}, 0, to, out);
    if (bias != nullptr) add_bias(rows, out, bias, to);
  };
  float* hidden = scratch.hidden.room(rows * F);
  float* y = scratch.rows.room(rows * D);
  if (ffn.rule->gated) {
    float* up = scratch.up.room(rows * F);
    product(ffn.gate, ffn.gate_bias, x, hidden, D, F);
    product(ffn.up, ffn.up_bias, x, up, D, F);
    gated_activation(*ffn.rule, rows * F, hidden, up);
  } else {
    product(ffn.up, ffn.up_bias, x, hidden, D, F);
    plain_activation(*ffn.rule, rows * F, hidden);
  }
  product(ffn.down, ffn.down_bias, hidden, y, F, D);
  return y;
}

}  // namespace

ReadyFfn read(const GatedFfn& ffn, FfnBuffers& buffers) {
  return {ffn.gate.defined() ? ReadyWeight{ffn.gate.read(buffers.gate)} : ReadyWeight{},
          {ffn.up.read(buffers.up)},
          {ffn.down.read(buffers.down)},
          read_bias(ffn.gate_bias, buffers.gate_bias),
          read_bias(ffn.up_bias, buffers.up_bias),
          read_bias(ffn.down_bias, buffers.down_bias),
          is_swiglu(ffn) ? nullptr : &ffn.rule,
          ffn.width(),
          ffn.inner()};
}

ReadyFfn open(const GatedFfn& ffn, FfnBuffers& buffers) {
  if (!is_swiglu(ffn)) return read(ffn, buffers);
  return {ffn.gate.open(buffers.gate),
          ffn.up.open(buffers.up),
          ffn.down.open(buffers.down),
          nullptr,
          nullptr,
          nullptr,
          nullptr,
          ffn.width(),
          ffn.inner()};
}

const float* run(const ReadyFfn& ffn, std::int64_t rows, const float* x, const std::int32_t* index,
                 FfnScratch& scratch) {
  return ffn.rule == nullptr ? run_panels(ffn, rows, x, index, scratch)
                             : run_rows(ffn, rows, x, index, scratch);
}

}  // namespace espalier::infer
