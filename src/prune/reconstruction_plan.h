#pragma once

#include <cstdint>

#include "artifacts/observations.h"
#include "artifacts/plan.h"
#include "prune/one_shot_rule.h"
#include "prune/reconstruction.h"

namespace espalier {

/// Keeps in each layer the experts whose output is closest to that of all (NAEE, Lu et al. 2024, arXiv
/// 2402.14800), over the single tokens that the observations kept. Throws UserError where there are none, and
/// where the rule cannot be obeyed; budgets are per layer.
Plan reconstruction_plan(const Observations& observations, const SubsetSearch& search,
                         const OneShotRule& rule, std::uint64_t seed);

/// Throws UserError for a rule that reconstruction cannot obey: a global budget, rows that stay.
void expect_reconstruction_rule(const OneShotRule& rule);

}  // namespace espalier
