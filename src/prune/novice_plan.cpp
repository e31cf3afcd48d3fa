#include "prune/novice_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "arch/family.h"
#include "base/error.h"
#include "prune/one_shot_plan.h"
#include "prune/score.h"

namespace espalier {
namespace {

std::vector<float> mean_output(const LayerObservations& observed, std::size_t expert) {
  const std::size_t width = observed.width();
  std::vector<float> mean(width);
  for (std::size_t d = 0; d < width; ++d)
    mean[d] = static_cast<float>(observed.output_sum[expert * width + d] / observed.routed[expert]);
  return mean;
}

void add_novices(LayerPlan& layer, const LayerObservations& observed) {
  for (int expert = 0; expert < layer.num_experts_before; ++expert) {
    if (std::binary_search(layer.keep.begin(), layer.keep.end(), expert)) continue;
    const auto e = static_cast<std::size_t>(expert);
    const bool routed = observed.routed[e] > 0;
    if (routed) layer.novices[expert] = mean_output(observed, e);
    layer.reason[expert] +=
        routed ? fmt::format("; its mean output over {:.0f} tokens takes its place", observed.routed[e])
               : "; without tokens it has no mean output, and gives zero";
  }
}

}  // namespace

Plan novice_plan(const Observations& observations, std::string_view criterion, const OneShotRule& rule,
                 std::uint64_t seed) {
  if (!arch::family_named(observations.model_type).can.keeps_router_rows)
    throw UserError(
        fmt::format("--action novice: {} checkpoints have no place for the mean output of an expert "
                    "that is gone",
                    observations.model_type),
        "--action drop re-routes their tokens, --action merge adds them to others");
  if (rule.router != PlanRouter::kZeroOutput)
    throw UserError("--router reroute: a novice answers to the router row of the expert that is gone",
                    "--router zero_output, or leave it out");
  Plan plan = one_shot_plan(score_observations(observations, find_criterion(criterion), 0, seed), rule, seed);
  plan.provenance.criterion = fmt::format("novice {}", plan.provenance.criterion);
  for (LayerPlan& layer : plan.layers) {
    const auto observed = std::find_if(observations.layers.begin(), observations.layers.end(),
                                       [&](const LayerObservations& o) { return o.layer == layer.layer; });
    add_novices(layer, *observed);
  }
  validate(plan, "plan");
  return plan;
}

}  // namespace espalier
