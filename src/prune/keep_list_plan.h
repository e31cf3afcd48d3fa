#pragma once

#include <optional>
#include <string_view>

#include "arch/topology.h"
#include "artifacts/keep_list.h"
#include "artifacts/plan.h"

namespace espalier {

/// The plan that a keep-list asks for. `where` opens messages about the list. Throws UserError for blocks
/// without experts, experts that are not there, and fewer experts than a token visits unless
/// `experts_per_token` says how many it is to visit.
Plan keep_list_plan(const KeepList& list, std::string_view where, const Topology& topology, PlanRouter router,
                    std::optional<int> experts_per_token);

}  // namespace espalier
