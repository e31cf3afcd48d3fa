#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "artifacts/plan.h"

namespace espalier {

/// How many experts stay in each layer (`PlanBudget::kGlobal`: on average).
struct KeepCount {
  std::int64_t count = 1;
};
/// Which part stays; rounded half up, in each router group where there are groups.
struct KeepFraction {
  double fraction = 1.0;  ///< 0.0001 to 1
};
/// As many as possible while the experts that stay, with their router rows, take no more bytes.
struct KeepBytes {
  std::uint64_t bytes = 0;
};
using KeepTarget = std::variant<KeepCount, KeepFraction, KeepBytes>;

/// "4" is a count, "0.5" and "1.0" are fractions. Throws UserError for anything else, and for what is out of
/// range.
KeepTarget parse_keep(std::string_view text);

/// Who competes with whom.
enum class PlanBudget {
  kPerLayer,  ///< experts of one layer; every layer keeps as many as the target says
  kGlobal     ///< all experts, their scores divided by their layer's mean; layers keep different numbers
};

/// "per_layer", "global".
std::string_view plan_budget_name(PlanBudget budget);
/// Throws UserError that names the nearest valid one.
PlanBudget parse_plan_budget(std::string_view name);
PlanRouter parse_plan_router(std::string_view name);

/// What the groups of a group-limited router ask for.
enum class RouterGroupRule {
  kEqual,  ///< each loses equally many
  kIgnore  ///< any experts may go: the result is to have one group (`apply --reset-groups`)
};

/// One expert of a model.
struct ExpertId {
  int layer = 0;  ///< 0-based block
  int expert = 0;
};

/// "3:5,3:7,4:0". Throws UserError naming the item that is not LAYER:EXPERT. Empty text gives none.
std::vector<ExpertId> parse_experts(std::string_view text);
/// "0,5": block numbers.
std::vector<int> parse_layers(std::string_view text);

/// What a plan made in one step from scores obeys.
struct OneShotRule {
  KeepTarget keep = KeepFraction{1.0};
  PlanBudget budget = PlanBudget::kPerLayer;
  std::vector<ExpertId> protect;  ///< never dropped
  std::vector<int> skip_layers;   ///< not in the plan: they stay as they are
  PlanRouter router = PlanRouter::kReroute;
  std::optional<int> experts_per_token;  ///< K afterwards; absent: as before
  RouterGroupRule groups = RouterGroupRule::kEqual;
};

}  // namespace espalier
