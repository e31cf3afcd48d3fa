#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/plan_actions.h"
#include "pipeline/verb.h"
#include "prune/plan_summary.h"

namespace espalier::pipeline {

/// Scores, observations or a keep-list say who goes; one of the targets says how many.
struct PlanOptions {
  std::optional<std::filesystem::path> scores, observations, keep_list, model;
  std::optional<std::string> keep;  ///< "4" experts a layer, "0.5" of them
  std::optional<std::uint64_t> keep_bytes, target_size;
  PlanBudget budget = PlanBudget::kPerLayer;
  std::string protect, skip_layers;  ///< "3:5,3:7"; "0,23"
  std::optional<PlanRouter> router;  ///< absent: by the action
  std::optional<int> experts_per_token;
  RouterGroupRule groups = RouterGroupRule::kEqual;
  std::string action = "drop";  ///< a row of plan_actions()
  PlanActionOptions action_options;
  std::filesystem::path out;  ///< plan.json
};
void describe(options::OptionTable& table, PlanOptions& options);

struct PlanningSummary {
  std::filesystem::path plan;  ///< the file that was written
  std::string criterion, router;
  int experts_per_token = 1;
  std::optional<std::string> keep;  ///< as it was asked for
  PlanSummary counts;
  bool drops = false, resets_groups = false;
  std::vector<std::string> fallbacks;          ///< what a merge could not have as asked
  std::vector<std::string> protected_experts;  ///< "3:5 protected: .."
};
nlohmann::ordered_json to_json(const PlanningSummary& summary);
std::string to_text(const PlanningSummary& summary);

/// Decides which experts stay and writes the plan to `out`; nothing else changes. Throws UserError where the
/// options do not go together, and for a target that cannot be met.
PlanningSummary plan(const PlanOptions& options, const RunContext& context);

Verb plan_verb();

}  // namespace espalier::pipeline
