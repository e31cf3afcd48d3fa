#pragma once

#include <cstdint>

#include "infer/stored_weight.h"

namespace espalier::infer {

/// y = (silu(x gate^T) * (x up^T)) down^T (Shazeer 2020, SwiGLU): a plain MLP, an expert or a shared expert.
struct GatedFfn {
  StoredWeight gate;  // [F, D]
  StoredWeight up;    // [F, D]
  StoredWeight down;  // [D, F]

  std::int64_t width() const { return down.out(); }  // D
  std::int64_t inner() const { return down.in(); }   // F
};

/// The same ready for products, as long as the buffers that its weights were read into are left alone.
struct ReadyFfn {
  ReadyWeight gate, up, down;
  std::int64_t width, inner;
};

/// Room for one such network's weights.
struct FfnBuffers {
  Buffer<float> gate, up, down;
};

/// Room for rows on their way through one.
struct FfnScratch {
  Buffer<float> x, hidden, y, rows;
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
  action(ffn.gate);
  action(ffn.up);
  action(ffn.down);
}

}  // namespace espalier::infer
