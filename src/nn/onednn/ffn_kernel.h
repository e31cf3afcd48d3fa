#pragma once

#include <torch/types.h>

#include <cstdint>

/// A feed-forward network on raw memory, forward and backward: shared by the dense FFN and each expert.
namespace espalier::onednn {

struct FfnShape {
  std::int64_t rows, width, hidden;  // n, D, F
};

struct FfnView {
  const float* up;         // [F, D]
  const float* up_bias;    // [F]
  const float* down;       // [D, F]
  const float* down_bias;  // [D]
};

struct FfnGradients {
  float* up;         // [F, D]
  float* up_bias;    // [F]
  float* down;       // [D, F]
  float* down_bias;  // [D]
};

inline FfnView ffn_view(const torch::Tensor& up, const torch::Tensor& up_bias, const torch::Tensor& down,
                        const torch::Tensor& down_bias) {
  return {up.data_ptr<float>(), up_bias.data_ptr<float>(), down.data_ptr<float>(),
          down_bias.data_ptr<float>()};
}

/// h = x up^T (the bias is not in it; kept for backward), a = gelu(h + up_bias), y = a down^T + down_bias.
/// x, y [n, D]; h, a [n, F].
void ffn_forward(FfnShape shape, const float* x, FfnView weights, float* h, float* a, float* y);

/// All gradients are overwritten. dy, dx [n, D]; scratch [n, F]. gelu(h + up_bias) is computed again rather
/// than kept.
void ffn_backward(FfnShape shape, const float* x, FfnView weights, const float* h, const float* dy,
                  float* scratch, float* dx, FfnGradients gradients);

}  // namespace espalier::onednn
