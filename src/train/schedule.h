#pragma once

#include <cstdint>

namespace espalier {

/// How the learning rate falls after the warm-up.
enum class Decay { kLinear, kCosine };

/// Linear warm-up from 0 to `peak` over `warmup_steps`, then decay to 0 at `total_steps` (2206.00277, 4.1),
/// or along half a cosine to `final` (2405.16646, fine-tuning after pruning).
struct LearningRateSchedule {
  double peak = 0.0;
  std::int64_t warmup_steps = 0;
  std::int64_t total_steps = 0;
  Decay decay = Decay::kLinear;
  double final = 0.0;

  /// Learning rate of step 1, 2, .. total_steps.
  double at(std::int64_t step) const;
};

}  // namespace espalier
