#pragma once

#include <torch/types.h>

#include "artifacts/plan.h"

namespace espalier {

/// [E', ...] survivors of [E, ...], those that a merge names replaced by their sums. New memory, no gradient.
torch::Tensor surviving_rows(const torch::Tensor& stacked, const LayerPlan& layer);

}  // namespace espalier
