#include "train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace espalier {

double LearningRateSchedule::at(std::int64_t step) const {
  if (step <= warmup_steps)
    return peak * static_cast<double>(step) / static_cast<double>(std::max<std::int64_t>(1, warmup_steps));
  const auto length = static_cast<double>(std::max<std::int64_t>(1, total_steps - warmup_steps));
  if (decay == Decay::kCosine) {
    const double share = std::min(1.0, static_cast<double>(step - warmup_steps) / length);
    return final + (peak - final) * 0.5 * (1.0 + std::cos(std::numbers::pi * share));
  }
  return final + (peak - final) * std::max(0.0, static_cast<double>(total_steps - step + 1) / (length + 1.0));
}

}  // namespace espalier
