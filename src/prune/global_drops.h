#pragma once

#include <vector>

#include "prune/candidates.h"

namespace espalier {

/// Scores divided by their layer's mean over the experts that have one: what `PlanBudget::kGlobal` ranks by.
/// NaN stays. Throws UserError where a score is negative or all are 0.
std::vector<double> relative_scores(const LayerScores& layer);

/// How many experts of each group go, for each layer, when all experts compete: the lowest relative scores
/// first, until the target is met. In a layer with router groups the worst of each group go together. Throws
/// UserError where the target cannot be met.
std::vector<int> global_drops(const std::vector<LayerCandidates>& layers, const Scores& scores,
                              const OneShotRule& rule);

}  // namespace espalier
