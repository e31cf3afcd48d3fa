#pragma once

#include <torch/types.h>

#include "train/onednn/ffn_kernel.h"

/// E SwiGLU networks on raw memory, forward and backward, each on its own rows; as train/onednn/ffn_kernel.h.
namespace espalier::onednn {

template <typename Float>
struct GatedArrays {
  Float* gate_up;  // [E, 2F, D]
  Float* down;     // [E, D, F]

  std::array<NetworkArray<Float>, 2> arrays(const FfnShape& s) {
    return {{{&gate_up, 2 * s.hidden * s.width}, {&down, s.width * s.hidden}}};
  }
};
using GatedView = GatedArrays<const float>;
using GatedGradients = GatedArrays<float>;

/// h = x gate_up^T (kept for backward), y = (silu(gate) * up) down^T. x, y [R, D]; h [R, 2F].
void gated_forward(const FfnShape& shape, const float* x, const GatedView& weights, float* h, float* y);

/// All gradients are overwritten. dy, dx [R, D]. The activation is computed again rather than kept. Of what
/// is null nothing is computed: dx, or both of the weights' gradients.
void gated_backward(const FfnShape& shape, const float* x, const GatedView& weights, const float* h,
                    const float* dy, float* dx, const GatedGradients& gradients);

}  // namespace espalier::onednn
