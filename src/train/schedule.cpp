#include "train/schedule.h"

#include <algorithm>

namespace espalier {

double LinearSchedule::at(std::int64_t step) const {
  if (step <= warmup_steps)
    return peak * static_cast<double>(step) / static_cast<double>(std::max<std::int64_t>(1, warmup_steps));
  const auto decay = static_cast<double>(std::max<std::int64_t>(1, total_steps - warmup_steps));
  return peak * std::max(0.0, static_cast<double>(total_steps - step + 1) / (decay + 1.0));
}

}  // namespace espalier
