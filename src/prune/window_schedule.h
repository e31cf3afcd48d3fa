#pragma once

#include <cstdint>
#include <vector>

#include "prune/window_rule.h"

namespace espalier {

/// A window of training steps, at whose end experts are dropped.
struct WindowEnd {
  std::int64_t index = 1;       ///< w, 1-based
  std::int64_t first_step = 1;  ///< optimizer steps, 1-based, inclusive
  std::int64_t last_step = 1;   ///< the drop follows this step
  bool forced = false;          ///< all but the best expert go; there is no later window
};

/// The windows of a run that end in a drop, without gaps from step 1 on. Steps after the last have none.
///
/// Window w ends after step floor(w gamma N / E), gamma taken as the decimal fraction it is written as: all
/// in whole numbers, so 0.3 of 10 steps are 3.
///
/// `kEager` with the force drop
///   `kWindows`: windows 1 to max(1, floor(E/2)), the last one forced;
///   `kHalf`: the windows that end before step floor(N/2), and one that is cut there, forced;
///   `kNever`: all that end by step N, none forced.
/// `kStaged`: windows 1 to E-1 (window E trains the survivor alone and ends in nothing).
/// `kNone` and one expert: none.
///
/// Throws UserError when the rule is not valid, when a window would have no steps (it says how many the run
/// needs), and when a gamma above 1 puts the last drop after the run's end.
std::vector<WindowEnd> window_ends(const WindowRule& rule);

}  // namespace espalier
