#pragma once

#include <torch/types.h>

#include "train/ops/ops.h"

namespace espalier {

/// The factors dropout multiplies a tensor's elements with: 0 or 1/(1-p). [count] float32 on the CPU.
torch::Tensor dropout_mask(std::int64_t count, const Dropout& dropout);

}  // namespace espalier
