#pragma once

#include <cstdint>
#include <span>

#include "infer/stored_weight.h"

namespace espalier::infer {

/// y = gelu(x up^T + up's bias) down^T + down's bias, exact (erf) GELU. Weights are float32 in memory.
struct PlainFfn {
  StoredLinear up;    // [F, D]
  StoredLinear down;  // [D, F]

  std::int64_t width() const { return down.weight.out(); }  // D
  std::int64_t inner() const { return down.weight.in(); }   // F
};

/// E networks of one shape, each on its own rows: x [R, D], y [R, D]; rows offsets[e] .. offsets[e+1] are
/// those of network e. Each thread takes an equal share of all rows and both products of it.
void run(std::span<const PlainFfn> networks, std::span<const std::int32_t> offsets, const float* x, float* y);

}  // namespace espalier::infer
