#pragma once

#include "arch/vmoe_config.h"
#include "artifacts/plan.h"

namespace espalier {

/// `config` after the plan. Under `zero_output` the router keeps its rows, and the config says which of them
/// still have an expert, and whether the others give constants. Under `reroute` the rows go too; of a
/// token-choice router the capacity is then reckoned with the experts that are left, while an expert that
/// chooses goes on taking as many tokens as before (Chowdhury et al. 2024).
void describe_plan(const Plan& plan, VmoeConfig& config);

}  // namespace espalier
