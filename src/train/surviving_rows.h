#pragma once

#include <torch/types.h>

#include <cstdint>
#include <optional>

#include "artifacts/plan.h"

namespace espalier::train {

/// [E', ...] survivors of [E, ...], those that a merge names replaced by their sums. `neurons`: the axis, in
/// one expert's tensor, of the F hidden neurons that a merge may order, or of several blocks of F of them
/// (gate and up). New memory, no gradient.
torch::Tensor surviving_rows(const torch::Tensor& stacked, const LayerPlan& layer,
                             std::optional<std::int64_t> neurons = {});

}  // namespace espalier::train
