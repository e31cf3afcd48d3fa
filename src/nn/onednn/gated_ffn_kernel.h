#pragma once

#include <torch/types.h>

#include "nn/onednn/ffn_kernel.h"

/// E SwiGLU networks on raw memory, forward and backward, each on its own rows; as nn/onednn/ffn_kernel.h.
namespace espalier::onednn {

struct GatedView {
  const float* gate_up;  // [E, 2F, D]
  const float* down;     // [E, D, F]
};

struct GatedGradients {
  float* gate_up;  // [E, 2F, D]
  float* down;     // [E, D, F]
};

/// h = x gate_up^T (kept for backward), y = (silu(gate) * up) down^T. x, y [R, D]; h [R, 2F].
void gated_forward(const FfnShape& shape, const float* x, const GatedView& weights, float* h, float* y);

/// All gradients are overwritten. dy, dx [R, D]. The activation is computed again rather than kept.
void gated_backward(const FfnShape& shape, const float* x, const GatedView& weights, const float* h,
                    const float* dy, float* dx, const GatedGradients& gradients);

}  // namespace espalier::onednn
