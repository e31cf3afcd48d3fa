#pragma once

#include <vector>

#include "prune/candidates.h"

namespace espalier {

/// How many experts of each group go, for each layer. Throws UserError where the target cannot be met: no
/// expert or none less would stay, fewer than a token visits, fewer than are protected, a count that groups
/// do not divide, bytes that are too few.
std::vector<int> drop_counts(const std::vector<LayerCandidates>& layers, const Scores& scores,
                             const OneShotRule& rule);

}  // namespace espalier
