#pragma once

#include "arch/spec.h"
#include "artifacts/plan.h"

namespace espalier::arch {

/// The model that a plan makes of `spec`, as far as its family can say it: fewer experts, router rows that
/// stay behind, a plain network in the place of a lone expert.
ModelSpec after_plan(const ModelSpec& spec, const Plan& plan);

}  // namespace espalier::arch
