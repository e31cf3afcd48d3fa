#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "artifacts/observations.h"
#include "artifacts/plan.h"
#include "prune/one_shot_rule.h"

namespace espalier::pipeline {

/// Options of `plan --observations` that say how an action decides; absent: as `describe` shows.
struct PlanActionOptions {
  std::optional<std::string> criterion, method, group_by, grouping, weights, search;
};
inline constexpr const char* kDefaultCriterion = "frequency";
inline constexpr const char* kDefaultMethod = "grouping";
inline constexpr const char* kDefaultSearch = "automatic";

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

/// Throws UserError for an option that belongs to other actions: it would be ignored.
void check_options_of_action(const PlanActionOptions& options, std::string_view action);

}  // namespace espalier::pipeline
