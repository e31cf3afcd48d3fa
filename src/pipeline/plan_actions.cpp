#include "pipeline/plan_actions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "base/nearest.h"
#include "prune/merge_plan.h"
#include "prune/novice_plan.h"
#include "prune/one_shot_plan.h"
#include "prune/reconstruction_plan.h"
#include "prune/score.h"

namespace espalier::pipeline {
namespace {

Plan drop(const Observations& observations, const PlanActionOptions& options, const OneShotRule& rule,
          std::uint64_t seed) {
  return one_shot_plan(
      score_observations(observations, find_criterion(options.criterion.value_or(kDefaultCriterion)), 0,
                         seed),
      rule, seed);
}

Plan merge_experts(const Observations& observations, const PlanActionOptions& options,
                   const OneShotRule& rule, std::uint64_t seed) {
  const MergeMethod& method = find_merge_method(options.method.value_or(kDefaultMethod));
  const auto chosen = [](const std::optional<std::string>& option, std::string_view otherwise) {
    return option ? std::string_view(*option) : otherwise;
  };
  return merge_plan(observations,
                    {&find_similarity(chosen(options.group_by, method.similarity)),
                     &find_grouping(chosen(options.grouping, method.grouping)),
                     &find_merge_weighting(chosen(options.weights, method.weighting))},
                    rule, seed);
}

Plan reconstruction(const Observations& observations, const PlanActionOptions& options,
                    const OneShotRule& rule, std::uint64_t seed) {
  return reconstruction_plan(observations, find_subset_search(options.search.value_or(kDefaultSearch)), rule,
                             seed);
}

Plan novice(const Observations& observations, const PlanActionOptions& options, const OneShotRule& rule,
            std::uint64_t seed) {
  return novice_plan(observations, options.criterion.value_or(kDefaultCriterion), rule, seed);
}

constexpr PlanAction kActions[] = {
    {"drop", "they go, the lowest by --criterion", drop},
    {"merge", "they are added to others, by --method", merge_experts},
    {"reconstruction", "they go, the set that the layer's output misses least, by --search", reconstruction},
    {"novice", "they go, the lowest by --criterion, and their mean output takes their place (espalier_vmoe)",
     novice, PlanRouter::kZeroOutput},
};

/// Options that only some actions look at.
struct OptionOfAction {
  std::string_view option;
  std::optional<std::string> PlanActionOptions::*value;
  std::vector<std::string_view> actions;
};

std::vector<OptionOfAction> options_of_actions() {
  return {{"--criterion", &PlanActionOptions::criterion, {"drop", "novice"}},
          {"--method", &PlanActionOptions::method, {"merge"}},
          {"--group-by", &PlanActionOptions::group_by, {"merge"}},
          {"--grouping", &PlanActionOptions::grouping, {"merge"}},
          {"--weights", &PlanActionOptions::weights, {"merge"}},
          {"--search", &PlanActionOptions::search, {"reconstruction"}}};
}

}  // namespace

void check_options_of_action(const PlanActionOptions& options, std::string_view action) {
  for (const auto& [option, value, actions] : options_of_actions()) {
    if (!(options.*value) || std::ranges::find(actions, action) != actions.end()) continue;
    throw UserError(
        fmt::format("{}: is of --action {}, this one is {}", option, fmt::join(actions, " and "), action),
        fmt::format("add --action {}, or leave it out", actions.front()));
  }
}

std::span<const PlanAction> plan_actions() {
  return kActions;
}

const PlanAction& find_plan_action(std::string_view name) {
  return find_named(plan_actions(), "--action", name);
}

bool decided_by_scores(const PlanAction& action) {
  return action.make == drop;
}

}  // namespace espalier::pipeline
