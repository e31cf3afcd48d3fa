#pragma once

#include <cstdint>

#include "arch/block_spec.h"
#include "infer/stored_weight.h"

namespace espalier::infer {

/// y = (silu(x gate^T) * (x up^T)) down^T (Shazeer 2020, SwiGLU): a plain MLP, an expert or a shared expert.
/// `rule` tells other activations, and of networks without a gate.
struct GatedFfn {
  StoredWeight gate;                           // [F, D], or not there
  StoredWeight up;                             // [F, D]
  StoredWeight down;                           // [D, F]
  StoredWeight gate_bias, up_bias, down_bias;  // [F], [F], [D], or not there
  arch::FeedForward rule;

  std::int64_t width() const { return down.out(); }  // D
  std::int64_t inner() const { return down.in(); }   // F
};

/// The same ready for products, as long as the buffers that its weights were read into are left alone.
struct ReadyFfn {
  ReadyWeight gate, up, down;
  const float *gate_bias, *up_bias, *down_bias;  // nullptr where there is none
  const arch::FeedForward* rule;                 // nullptr: SwiGLU without biases
  std::int64_t width, inner;
};

/// Room for one such network's weights.
struct FfnBuffers {
  Buffer<float> gate, up, down;
  Buffer<float> gate_bias, up_bias, down_bias;
};

/// Room for rows on their way through one.
struct FfnScratch {
  Buffer<float> x, hidden, y, rows, up;
};

/// With its weights in float32.
ReadyFfn read(const GatedFfn& ffn, FfnBuffers& buffers);
/// With weights that are decoded while they multiply, where they can be: for one `run`. `ffn` must stay.
ReadyFfn open(const GatedFfn& ffn, FfnBuffers& buffers);

/// The network's output [rows, D], in `scratch`, for rows of x [*, D]: the first ones, or those that `index`
/// [rows] names. Rows are packed once and stay so through all three products (kernels/simd/bodies/panels.h).
const float* run(const ReadyFfn& ffn, std::int64_t rows, const float* x, const std::int32_t* index,
                 FfnScratch& scratch);

template <typename Action>
void for_each_weight(const GatedFfn& ffn, Action action) {
  for (const StoredWeight* weight :
       {&ffn.gate, &ffn.up, &ffn.down, &ffn.gate_bias, &ffn.up_bias, &ffn.down_bias})
    if (weight->defined()) action(*weight);
}

}  // namespace espalier::infer
