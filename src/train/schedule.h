#pragma once

#include <cstdint>

namespace espalier {

/// Linear warm-up from 0 to `peak` over `warmup_steps`, then linear decay to 0 at `total_steps`
/// (2206.00277, 4.1).
struct LinearSchedule {
  double peak = 0.0;
  std::int64_t warmup_steps = 0;
  std::int64_t total_steps = 0;

  /// Learning rate of step 1, 2, .. total_steps.
  double at(std::int64_t step) const;
};

}  // namespace espalier
