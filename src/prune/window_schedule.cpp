#include "prune/window_schedule.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "prune/decimal.h"

namespace espalier {
namespace {

using Wide = __int128;

/// gamma N / E steps a window.
class WindowGrid {
 public:
  explicit WindowGrid(const WindowRule& rule)
      : steps_(rule.steps), experts_(rule.experts), gamma_(decimal_fraction(rule.gamma)) {}

  std::int64_t end_of(std::int64_t window) const {
    return static_cast<std::int64_t>(window * gamma_.numerator * steps_ / (gamma_.denominator * experts_));
  }
  /// The least N with gamma N / E >= 1. Below it the first window is empty, from it on none is.
  std::int64_t least_steps() const {
    const Wide dividend = gamma_.denominator * experts_;
    return static_cast<std::int64_t>((dividend + gamma_.numerator - 1) / gamma_.numerator);
  }

 private:
  std::int64_t steps_;
  std::int64_t experts_;
  Fraction gamma_;
};

void expect_steps(const WindowRule& rule, const WindowGrid& grid) {
  const bool halved = rule.schedule == PruneSchedule::kEager && rule.force_drop == ForceDrop::kHalf;
  const std::int64_t least = std::max<std::int64_t>(grid.least_steps(), halved ? 2 : 1);
  if (rule.steps >= least) return;
  throw UserError(fmt::format("pruning: {} steps leave a window without a step ({} experts, gamma {}), "
                              "expected at least {} steps",
                              rule.steps, rule.experts, rule.gamma, least),
                  "train for more epochs, in smaller batches, or with a larger gamma");
}

/// Windows 1 to `count`; each must end by `last_step`, the end of the run.
void append_counted(std::vector<WindowEnd>& ends, const WindowGrid& grid, std::int64_t count,
                    std::int64_t last_step) {
  if (grid.end_of(count) > last_step) {
    throw UserError(
        fmt::format("pruning: the last drop would follow step {} of {}", grid.end_of(count), last_step),
        "use a smaller gamma; 1 or less always fits");
  }
  for (std::int64_t w = 1; w <= count; ++w) ends.push_back({w, grid.end_of(w - 1) + 1, grid.end_of(w)});
}

/// The windows that end by `last_step`.
void append_until(std::vector<WindowEnd>& ends, const WindowGrid& grid, std::int64_t last_step) {
  for (std::int64_t w = 1; grid.end_of(w) <= last_step; ++w) {
    ends.push_back({w, grid.end_of(w - 1) + 1, grid.end_of(w)});
  }
}

void append_eager(std::vector<WindowEnd>& ends, const WindowGrid& grid, const WindowRule& rule) {
  switch (rule.force_drop) {
    case ForceDrop::kWindows:
      append_counted(ends, grid, std::max<std::int64_t>(1, rule.experts / 2), rule.steps);
      ends.back().forced = true;
      return;
    case ForceDrop::kHalf: {
      const std::int64_t half = rule.steps / 2;
      append_until(ends, grid, half - 1);
      const std::int64_t done = ends.empty() ? 0 : ends.back().last_step;
      ends.push_back({static_cast<std::int64_t>(ends.size()) + 1, done + 1, half, true});
      return;
    }
    case ForceDrop::kNever:
      append_until(ends, grid, rule.steps);
      return;
  }
}

}  // namespace

std::vector<WindowEnd> window_ends(const WindowRule& rule) {
  validate(rule);
  std::vector<WindowEnd> ends;
  if (rule.schedule == PruneSchedule::kNone || rule.experts == 1) return ends;
  const WindowGrid grid(rule);
  expect_steps(rule, grid);
  if (rule.schedule == PruneSchedule::kStaged) {
    append_counted(ends, grid, rule.experts - 1, rule.steps);
  } else {
    append_eager(ends, grid, rule);
  }
  return ends;
}

}  // namespace espalier
