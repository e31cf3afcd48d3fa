#pragma once

#include <torch/types.h>

#include <array>
#include <cstdint>
#include <span>

/// E feed-forward networks on raw memory, forward and backward, each on its own rows: the experts of a layer,
/// or with E = 1 the dense FFN.
namespace espalier::onednn {

struct FfnShape {
  std::span<const std::int32_t> offsets;  // [E+1]: rows offsets[e] .. offsets[e+1] are those of network e
  std::int64_t width, hidden;             // D, F

  std::int64_t networks() const { return static_cast<std::int64_t>(offsets.size()) - 1; }
};

/// One of the arrays that E networks are made of: where network 0's is, and a network's size.
template <typename Float>
struct NetworkArray {
  Float** at;
  std::int64_t count;
};

/// Weights (`FfnView`) or their gradients of E networks.
template <typename Float>
struct FfnArrays {
  Float* up;         // [E, F, D]
  Float* up_bias;    // [E, F]
  Float* down;       // [E, D, F]
  Float* down_bias;  // [E, D]

  std::array<NetworkArray<Float>, 4> arrays(const FfnShape& s) {
    return {{{&up, s.hidden * s.width},
             {&down, s.width * s.hidden},
             {&up_bias, s.hidden},
             {&down_bias, s.width}}};
  }
};
using FfnView = FfnArrays<const float>;
using FfnGradients = FfnArrays<float>;

inline FfnView ffn_view(const torch::Tensor& up, const torch::Tensor& up_bias, const torch::Tensor& down,
                        const torch::Tensor& down_bias) {
  return {up.data_ptr<float>(), up_bias.data_ptr<float>(), down.data_ptr<float>(),
          down_bias.data_ptr<float>()};
}

/// h = x up^T (the bias is not in it; kept for backward), y = gelu(h + up_bias) down^T + down_bias.
/// x, y [R, D]; h [R, F].
void ffn_forward(const FfnShape& shape, const float* x, const FfnView& weights, float* h, float* y);

/// All gradients are overwritten. dy, dx [R, D]. gelu(h + up_bias) is computed again rather than kept. The
/// same numbers for the same threads: each sums the weights' gradients over its rows. Of what is null nothing
/// is computed: dx, or all of the weights' gradients together.
void ffn_backward(const FfnShape& shape, const float* x, const FfnView& weights, const float* h,
                  const float* dy, float* dx, const FfnGradients& gradients);

}  // namespace espalier::onednn
