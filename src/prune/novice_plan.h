#pragma once

#include <cstdint>
#include <string_view>

#include "artifacts/observations.h"
#include "artifacts/plan.h"
#include "prune/one_shot_rule.h"

namespace espalier {

/// A constant in the place of an expert that goes: its mean output over the tokens that were routed to it
/// (MoNE, 2025). Who goes is decided by the criterion, which looks at the observations; an expert without
/// tokens has no mean and gives zero.
///
/// Throws UserError for models whose checkpoints have no place for a constant (all but `espalier_vmoe`: the
/// experts of language models have no bias on their output), for the router `reroute`, and where
/// `one_shot_plan` does.
Plan novice_plan(const Observations& observations, std::string_view criterion, const OneShotRule& rule,
                 std::uint64_t seed);

}  // namespace espalier
