#pragma once

#include <map>
#include <string>
#include <vector>

#include "artifacts/scores.h"
#include "prune/one_shot_rule.h"

namespace espalier {

/// One MoE layer before it is decided who goes. Its experts are in groups of one size that lose equally many
/// (one group where the router has none), so that a decision is a number of drops per group.
struct LayerCandidates {
  const LayerScores* scores = nullptr;
  int groups = 1;                            ///< G
  int group_size = 1;                        ///< E / G
  std::vector<std::vector<int>> droppable;   ///< [G] experts that are not protected, the worst first
  std::map<int, std::string> protected_why;  ///< expert -> reason
  int least_for_router = 1;                  ///< experts per group that must stay so that a token finds K
  int least_for_protected = 0;               ///< ... so that every protected expert stays

  int experts() const { return groups * group_size; }
  int least() const { return std::max(least_for_router, least_for_protected); }
};

/// [E] 0 for the best of its group to E/G - 1 for the worst. Equal scores in the order of their numbers; a
/// score that is NaN (never routed) after all others.
std::vector<int> ranks_in_groups(const std::vector<double>& scores, int groups);

/// The layers of `scores` that `rule` does not skip. Throws UserError for experts and layers that are not
/// there, for scores that do not say K, and for groups that do not divide the experts.
std::vector<LayerCandidates> candidates_of(const Scores& scores, const OneShotRule& rule);

/// K of the model afterwards.
int experts_per_token_after(const Scores& scores, const OneShotRule& rule);

}  // namespace espalier
