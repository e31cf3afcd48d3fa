#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "artifacts/observations.h"
#include "artifacts/plan.h"
#include "prune/one_shot_rule.h"

namespace espalier {

/// Options of `plan --observations` that say how an action decides.
struct PlanActionOptions {
  std::string criterion = "frequency", method = "grouping", search = "automatic";
  std::optional<std::string> group_by, grouping, weights;
};

/// What a plan does with the experts that do not stay.
struct PlanAction {
  std::string_view name;
  std::string_view definition;  ///< one line, for `--help` and tables
  Plan (*make)(const Observations& observations, const PlanActionOptions& options, const OneShotRule& rule,
               std::uint64_t seed) = nullptr;
  PlanRouter router = PlanRouter::kReroute;  ///< unless --router says otherwise
};

/// The table.
std::span<const PlanAction> plan_actions();
/// Throws UserError that names the nearest one.
const PlanAction& find_plan_action(std::string_view name);
/// Whether it needs scores alone; the others look at the observations.
bool decided_by_scores(const PlanAction& action);

/// Options that only some actions look at, as on the command line.
struct OptionOfAction {
  std::string_view option, action;
};
std::span<const OptionOfAction> options_of_actions();
/// Throws UserError where `option` belongs to other actions: it would be ignored.
void check_option_of_action(std::string_view option, std::string_view action);

}  // namespace espalier
