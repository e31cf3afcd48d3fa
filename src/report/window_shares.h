#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "artifacts/run_folder.h"

namespace espalier {

/// What became of one expert that a plan dropped.
struct DroppedExpert {
  std::size_t window = 0;  ///< the last one it lived through: an index into `WindowShares::shares`
  std::string reason;      ///< the plan's words; may be empty
};

/// How one MoE layer's tokens were shared out in each window of a run that prunes (figure 6 of arXiv
/// 2206.00277). Experts bear the numbers they had at the start of the run.
struct WindowShares {
  int layer = 0;
  std::vector<int> experts;                           ///< [E] ascending; all that were ever there
  std::vector<std::vector<double>> shares;            ///< [windows][E]; NaN where an expert is gone
  std::vector<std::optional<DroppedExpert>> dropped;  ///< [E]
};

/// One for each layer of the run's scores, ascending. A share is the expert's score where a layer's scores
/// are shares (none is negative and they sum to 1: `alpha`, `hit_rate`), else its part of the routed tokens.
/// A layer that is down to one expert has no router and no scores any more: that expert's share is 1.
std::vector<WindowShares> window_shares(const RunFolder& run);

}  // namespace espalier
