#include "prune/reconstruction_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "prune/candidates.h"
#include "prune/drop_counts.h"
#include "prune/score.h"

namespace espalier {
namespace {

void expect_samples(const LayerObservations& layer, const Observations& observations) {
  if (observations.router && layer.samples && layer.samples->tokens() > 0) return;
  throw UserError(fmt::format("layer {}: the observations kept no single tokens", layer.layer),
                  "observe with --keep-tokens 1024");
}

SubsetRule subset_rule(const LayerCandidates& layer, int drops) {
  SubsetRule rule{layer.groups, layer.group_size - drops,
                  std::vector<bool>(static_cast<std::size_t>(layer.experts()), false)};
  for (const std::vector<int>& group : layer.droppable)
    for (const int expert : group) rule.may_go[static_cast<std::size_t>(expert)] = true;
  return rule;
}

LayerPlan layer_plan(const LayerCandidates& candidates, const FoundSubset& found, std::size_t tokens) {
  LayerPlan plan;
  plan.layer = candidates.scores->layer;
  plan.num_experts_before = candidates.experts();
  plan.keep = found.keep;
  plan.reason = candidates.protected_why;
  for (int expert = 0; expert < plan.num_experts_before; ++expert) {
    if (std::binary_search(plan.keep.begin(), plan.keep.end(), expert)) continue;
    plan.reason[expert] =
        fmt::format("the layer without it and the others: error {:.4g} on {} tokens, best of {}", found.error,
                    tokens, found.tried);
  }
  return plan;
}

}  // namespace

void expect_reconstruction_rule(const OneShotRule& rule) {
  if (rule.budget == PlanBudget::kGlobal)
    throw UserError("--budget global: errors of different layers are not comparable",
                    "reconstruction keeps as many in each layer");
  if (rule.router == PlanRouter::kZeroOutput)
    throw UserError(
        "--router zero_output: reconstruction looks for experts among which tokens are routed anew",
        "plan with --router reroute");
}

Plan reconstruction_plan(const Observations& observations, const SubsetSearch& search,
                         const OneShotRule& rule, std::uint64_t seed) {
  expect_reconstruction_rule(rule);
  const Scores scores = score_observations(observations, find_criterion("frequency"), 0, seed);
  const std::vector<LayerCandidates> layers = candidates_of(scores, rule);
  const std::vector<int> drops = drop_counts(layers, scores, rule);
  Plan plan;
  plan.provenance.criterion = fmt::format("reconstruction {}", search.name);
  plan.provenance.schedule = "one_shot";
  plan.provenance.seed = seed;
  plan.provenance.topology_sha256 = observations.topology_sha256;
  plan.router = rule.router;
  plan.experts_per_token = experts_per_token_after(scores, rule);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const LayerObservations& observed =
        *std::find_if(observations.layers.begin(), observations.layers.end(),
                      [&](const LayerObservations& layer) { return layer.layer == layers[i].scores->layer; });
    expect_samples(observed, observations);
    RouterConfig router = *observations.router;
    router.experts_per_token = plan.experts_per_token;
    if (rule.groups == RouterGroupRule::kIgnore) router.groups = router.top_groups = 1;
    const ReconstructionError error(observed, router);
    plan.layers.push_back(layer_plan(layers[i], search.find(error, subset_rule(layers[i], drops[i])),
                                     observed.samples->tokens()));
  }
  validate(plan, "plan");
  return plan;
}

}  // namespace espalier
