#pragma once

#include <cstdint>

#include "infer/decoder_forward.h"

namespace espalier::infer {

/// A convolution of each channel by itself; the last tap is the token's own.
struct CausalConvolution {
  const float* weight;  // [C, kernel]
  const float* bias;    // [C], or nullptr
  std::int64_t channels, kernel;
};

/// x [T, C] of one sequence, in place: what was before it is zero, or the last rows that `past` keeps (its
/// `keys`, which take the newest kernel - 1 rows).
void causal_convolution(const CausalConvolution& convolution, std::int64_t T, float* x, KeyValues* past);

}  // namespace espalier::infer
