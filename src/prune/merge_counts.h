#pragma once

#include <span>
#include <vector>

#include "prune/candidates.h"
#include "prune/grouping.h"
#include "prune/one_shot_rule.h"

namespace espalier {

/// What one layer costs when its experts are fewer.
struct MergeCosts {
  int most = 1, least = 1;   ///< experts that may stay
  std::vector<double> cost;  ///< [most + 1] of z groups, as a part of the cost of one; least to most
};

/// How many experts stay in each layer, in all as many as `keep` says on average: from all of them, the next
/// that goes is of the layer whose cost grows least. Throws UserError where the target cannot be met.
std::vector<int> global_group_counts(std::span<const MergeCosts> layers, const KeepTarget& keep);

}  // namespace espalier
