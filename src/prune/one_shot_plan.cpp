#include "prune/one_shot_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "prune/candidates.h"
#include "prune/drop_counts.h"
#include "prune/global_drops.h"

namespace espalier {
namespace {

/// Words for why experts of one layer go.
class DropReasons {
 public:
  DropReasons(const LayerCandidates& layer, const std::string& criterion, PlanBudget budget)
      : layer_(layer), criterion_(criterion), ranks_(ranks_in_groups(layer.scores->scores, layer.groups)) {
    if (budget == PlanBudget::kGlobal) relative_ = relative_scores(*layer.scores);
  }

  std::string of(int expert) const {
    const auto i = static_cast<std::size_t>(expert);
    const double score = layer_.scores->scores[i];
    std::string text = std::isnan(score) ? "never routed" : fmt::format("{} {:.4g}", criterion_, score);
    if (!relative_.empty() && !std::isnan(score))
      text += fmt::format(" ({:.4g} of the layer's mean)", relative_[i]);
    text += fmt::format(", rank {} of {}", ranks_[i] + 1, layer_.group_size);
    return layer_.groups == 1 ? text : text + fmt::format(" in group {}", expert / layer_.group_size);
  }

 private:
  const LayerCandidates& layer_;
  const std::string& criterion_;
  std::vector<int> ranks_;
  std::vector<double> relative_;
};

LayerPlan layer_plan(const LayerCandidates& layer, int drops, const std::string& criterion,
                     PlanBudget budget) {
  LayerPlan plan;
  plan.layer = layer.scores->layer;
  plan.num_experts_before = layer.experts();
  plan.reason = layer.protected_why;
  const DropReasons reasons(layer, criterion, budget);
  for (const std::vector<int>& group : layer.droppable) {
    for (int place = 0; place < drops; ++place) {
      const int expert = group[static_cast<std::size_t>(place)];
      plan.reason[expert] = reasons.of(expert);
    }
  }
  for (int expert = 0; expert < layer.experts(); ++expert) {
    if (!plan.reason.contains(expert) || layer.protected_why.contains(expert)) plan.keep.push_back(expert);
  }
  for (std::size_t i = 0; i < layer.scores->original.size(); ++i) {
    if (layer.scores->original[i] != static_cast<int>(i)) plan.original = layer.scores->original;
  }
  return plan;
}

}  // namespace

Plan one_shot_plan(const Scores& scores, const OneShotRule& rule, std::uint64_t seed) {
  validate(scores, "scores");
  const std::vector<LayerCandidates> layers = candidates_of(scores, rule);
  const std::vector<int> drops = drop_counts(layers, scores, rule);
  Plan plan;
  plan.provenance.criterion = scores.criterion;
  plan.provenance.schedule = "one_shot";
  plan.provenance.seed = scores.seed.value_or(seed);
  plan.provenance.topology_sha256 = scores.topology_sha256;
  plan.router = rule.router;
  plan.experts_per_token = experts_per_token_after(scores, rule);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    plan.layers.push_back(layer_plan(layers[i], drops[i], scores.criterion, rule.budget));
  }
  validate(plan, "plan");
  return plan;
}

}  // namespace espalier
