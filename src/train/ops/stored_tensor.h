#pragma once

#include <torch/types.h>

#include "infer/stored_weight.h"

namespace espalier {

/// A tensor [out, in] or [in] as a float32 weight that keeps it alive: a float32 tensor on the CPU shares its
/// memory, so that what training makes of it is seen.
infer::StoredWeight stored(const torch::Tensor& weight);

}  // namespace espalier
