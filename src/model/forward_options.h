#pragma once

#include <cstdint>
#include <functional>

#include "moe/router.h"
#include "nn/backend.h"

namespace espalier {

enum class Mode { kTraining, kEvaluation };

/// What every trainable model's forward pass is told.
struct ForwardOptions {
  Backend backend = Backend::kOneDnn;
  Mode mode = Mode::kEvaluation;
  std::uint64_t seed = 0;  ///< of this step's dropout and jitter
  /// Sees every MoE layer's routing, with the 0-based block number.
  std::function<void(std::int64_t block, const Routing&)> on_routing;
};

}  // namespace espalier
