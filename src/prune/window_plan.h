#pragma once

#include <cstdint>

#include "artifacts/plan.h"
#include "artifacts/scores.h"
#include "prune/window_schedule.h"

namespace espalier {

/// What is dropped at the end of a window; a function of its arguments alone (`seed` is only written down).
/// Every layer of `scores` is listed, also where all experts stay; layers with one survivor have no router,
/// so they are not in the scores and not in the plan.
///
/// In each layer of Z survivors with scores C_i
///   `kEager`: i goes when C_i < beta / Z (2206.00277, eq. 5), but never the best one; scores that may be
///   negative have no threshold; `kEager`, `end.forced`: all but the best one go; `kStaged`: the worst one
///   goes, unless it is the only one.
/// Of equal scores the expert with the smaller number is the better one.
///
/// Where fewer experts than K are left in a layer that still needs a router, K becomes their number: a model
/// has one K.
///
/// Throws UserError when a score is not a number (naming layer and expert), when the scores are of another
/// criterion or window, or without `experts_per_token`.
Plan window_plan(const Scores& scores, const WindowRule& rule, const WindowEnd& end, std::uint64_t seed);

}  // namespace espalier
