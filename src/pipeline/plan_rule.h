#pragma once

#include "artifacts/scores.h"
#include "pipeline/verbs/plan.h"

namespace espalier::pipeline {

/// The one that is asked for, or the action's own. Throws UserError for an action that there is not.
PlanRouter router_of(const PlanOptions& options);

/// What `plan` is to obey. Throws UserError unless exactly one target is given, and for a model that cannot
/// be made so small.
OneShotRule rule_of(const PlanOptions& options, const Scores& scores);

}  // namespace espalier::pipeline
