#pragma once

#include <cstdint>
#include <string_view>

#include "artifacts/plan.h"
#include "artifacts/scores.h"
#include "prune/one_shot_rule.h"

namespace espalier {

/// Decides who stays, from scores alone. Equal scores keep the smaller number; a never-routed expert ranks
/// lowest. Each dropped expert has a reason ("reap 0.004, rank 8 of 8"), and so has each protected one.
///
/// Throws UserError where the rule cannot be obeyed (see `drop_counts`, `candidates_of`).
Plan one_shot_plan(const Scores& scores, const OneShotRule& rule, std::uint64_t seed);

}  // namespace espalier
