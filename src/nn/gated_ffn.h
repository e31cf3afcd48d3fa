#pragma once

#include <torch/types.h>

#include <cstdint>

#include "nn/stored_weight.h"

namespace espalier {

/// y = (silu(x gate^T) * (x up^T)) down^T (Shazeer 2020, SwiGLU): a plain MLP, an expert or a shared expert.
struct GatedFfn {
  StoredWeight gate;  // [F, D]
  StoredWeight up;    // [F, D]
  StoredWeight down;  // [D, F]

  std::int64_t width() const { return down.out; }  // D
  std::int64_t inner() const { return down.in; }   // F
};

/// The same with its weights in float32, as long as the buffers that they were read into are left alone.
struct ReadyFfn {
  const float* gate;
  const float* up;
  const float* down;
  std::int64_t width, inner;
};

/// Room for one such network's weights.
struct FfnBuffers {
  WeightBuffer gate, up, down;
};

ReadyFfn read(const GatedFfn& ffn, FfnBuffers& buffers);

/// y [rows, D] = the network's output + beta * y; x [rows, D], hidden [2, rows, F] is scratch.
void run(const ReadyFfn& ffn, std::int64_t rows, const float* x, float* hidden, float beta, float* y);

template <typename Action>
void for_each_weight(const GatedFfn& ffn, Action action) {
  action(ffn.gate);
  action(ffn.up);
  action(ffn.down);
}

}  // namespace espalier
