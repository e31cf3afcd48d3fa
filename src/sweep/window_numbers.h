#pragma once

#include <cstddef>
#include <span>

#include "artifacts/run_cell.h"

namespace espalier {

/// Of a layer, on average: experts that beta / Z leaves in the window that ends at half of the steps or last
/// before it, whatever was dropped beside them. NaN without such a window.
double survivors_at_half_time(const RunCell& cell);

/// How often the expert that scores best in the first window is the one that is left at the end.
struct FirstWinners {
  std::size_t layers = 0, stayed = 0;  ///< of runs that end with one expert
};
FirstWinners first_winners(std::span<const RunCell> cells);

}  // namespace espalier
