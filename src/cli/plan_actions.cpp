#include "cli/plan_actions.h"

#include <fmt/format.h>

#include <vector>

#include "base/error.h"
#include "base/nearest.h"
#include "prune/merge_plan.h"
#include "prune/one_shot_plan.h"
#include "prune/reconstruction_plan.h"
#include "prune/score.h"

namespace espalier {
namespace {

Plan drop(const Observations& observations, const PlanActionOptions& options, const OneShotRule& rule,
          std::uint64_t seed) {
  return one_shot_plan(score_observations(observations, find_criterion(options.criterion), 0, seed), rule,
                       seed);
}

Plan merge_experts(const Observations& observations, const PlanActionOptions& options,
                   const OneShotRule& rule, std::uint64_t seed) {
  const MergeMethod& method = find_merge_method(options.method);
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
  return reconstruction_plan(observations, find_subset_search(options.search), rule, seed);
}

/// A constant in the place of an expert that is gone (MoNE, 2025). No format that can be observed holds one:
/// the experts of language models have no bias on their output, and a router row of a V-MoE without an expert
/// gives zero.
Plan novice(const Observations& observations, const PlanActionOptions& /*options*/,
            const OneShotRule& /*rule*/, std::uint64_t /*seed*/) {
  throw UserError(
      fmt::format("--action novice: {} checkpoints have no place for the mean output of an expert "
                  "that is gone",
                  observations.model_type),
      "--action drop re-routes their tokens, --action merge adds them to others");
}

constexpr PlanAction kActions[] = {
    {"drop", "they go, the lowest by --criterion", drop},
    {"merge", "they are added to others, by --method", merge_experts},
    {"reconstruction", "they go, the set that the layer's output misses least, by --search", reconstruction},
    {"novice", "their mean output takes their place, where the format can hold it", novice},
};

constexpr OptionOfAction kOptions[] = {
    {"--criterion", "drop"}, {"--method", "merge"},  {"--group-by", "merge"},
    {"--grouping", "merge"}, {"--weights", "merge"}, {"--search", "reconstruction"},
};

}  // namespace

std::span<const OptionOfAction> options_of_actions() {
  return kOptions;
}

void check_option_of_action(std::string_view option, std::string_view action) {
  for (const OptionOfAction& known : kOptions) {
    if (known.option == option && known.action != action)
      throw UserError(fmt::format("{}: is of --action {}, this one is {}", option, known.action, action),
                      fmt::format("add --action {}, or leave it out", known.action));
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

}  // namespace espalier
