#include "prune/merge_plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "base/nearest.h"
#include "prune/candidates.h"
#include "prune/drop_counts.h"
#include "prune/merge_counts.h"
#include "prune/score.h"

namespace espalier {
namespace {

constexpr MergeMethod kMethods[] = {
    {"grouping", "arXiv 2407.09590: groups of experts with like outputs", "cka", "partition", "uniform"},
    {"m_smoe", "MC-SMoE's merging: by router logits into the most used", "logits", "dominant", "frequency"},
    {"hc_smoe", "HC-SMoE: average linkage of mean outputs", "mean_output", "linkage", "frequency"},
};

constexpr std::string_view kFallback = "instead of the weights asked for: ";

/// One layer on its way into a plan.
class LayerMerger {
 public:
  LayerMerger(const LayerObservations& observed, const LayerCandidates& candidates, const MergeRule& rule)
      : observed_(observed),
        candidates_(candidates),
        rule_(rule),
        similarity_(similarity_of(*rule.similarity, observed)) {}

  /// `kept`: of each router group, protected experts among them.
  ExpertGroups groups(int kept) const {
    ExpertGroups all;
    for (const std::vector<int>& droppable : candidates_.droppable) {
      const int fixed = candidates_.group_size - static_cast<int>(droppable.size());
      for (std::vector<int>& group : grouped(droppable, kept - fixed)) all.push_back(std::move(group));
    }
    for (const auto& [expert, why] : candidates_.protected_why) all.push_back({expert});
    std::sort(all.begin(), all.end());
    return all;
  }

  MergeCosts costs() const {
    const int fixed = static_cast<int>(candidates_.protected_why.size());
    MergeCosts result{candidates_.experts(), std::max(candidates_.least(), fixed + 1), {}};
    result.least = std::min(result.least, result.most);
    result.cost.resize(static_cast<std::size_t>(result.most) + 1);
    const double whole = grouping_cost(similarity_, observed_.experts(), {all_experts()});
    for (int kept = result.least; kept <= result.most; ++kept) {
      const double cost = grouping_cost(similarity_, observed_.experts(), groups(kept));
      result.cost[static_cast<std::size_t>(kept)] = whole > 0 ? cost / whole : 0.0;
    }
    return result;
  }

  LayerPlan plan(int kept) const {
    const ExpertGroups made = groups(kept);
    const GroupWeights weights = rule_.weighting->compute(observed_, made);
    LayerPlan plan;
    plan.layer = observed_.layer;
    plan.num_experts_before = static_cast<int>(observed_.experts());
    plan.reason = candidates_.protected_why;
    for (std::size_t g = 0; g < made.size(); ++g)
      add_group(made[g], weights.weights[g], weights.fallback[g], plan);
    std::sort(plan.keep.begin(), plan.keep.end());
    return plan;
  }

 private:
  std::vector<int> all_experts() const {
    std::vector<int> experts;
    for (int e = 0; e < candidates_.experts(); ++e) experts.push_back(e);
    return experts;
  }

  /// Some experts of the layer, grouped as if they were all.
  ExpertGroups grouped(std::vector<int> members, int count) const {
    std::sort(members.begin(), members.end());
    if (members.empty()) return {};
    if (count < 1)
      throw UserError(
          fmt::format("block {}: all experts that stay are protected, the others have none to merge into",
                      observed_.layer),
          "keep more, or protect fewer");
    const std::size_t n = members.size(), E = observed_.experts();
    std::vector<double> similarity(n * n), use(n);
    for (std::size_t a = 0; a < n; ++a) {
      const auto i = static_cast<std::size_t>(members[a]);
      use[a] = observed_.routed[i];
      for (std::size_t b = 0; b < n; ++b)
        similarity[a * n + b] = similarity_[i * E + static_cast<std::size_t>(members[b])];
    }
    ExpertGroups groups = rule_.grouping->make({similarity, use, std::min(count, static_cast<int>(n))});
    for (std::vector<int>& group : groups)
      for (int& member : group) member = members[static_cast<std::size_t>(member)];
    return groups;
  }

  int most_used(const std::vector<int>& group) const {
    return *std::max_element(group.begin(), group.end(), [&](int a, int b) {
      return observed_.routed[static_cast<std::size_t>(a)] < observed_.routed[static_cast<std::size_t>(b)];
    });
  }

  void add_group(const std::vector<int>& group, const std::vector<double>& weights,
                 const std::string& fallback, LayerPlan& plan) const {
    const int into = most_used(group);
    plan.keep.push_back(into);
    if (group.size() == 1) return;
    plan.merge.push_back({into, group, weights, {}});
    if (!fallback.empty()) plan.reason[into] = std::string(kFallback) + fallback;
    for (const int expert : group) {
      if (expert == into) continue;
      const double likeness = similarity_[static_cast<std::size_t>(expert) * observed_.experts() +
                                          static_cast<std::size_t>(into)];
      plan.reason[expert] = fmt::format("merged into {}, {} {:.4g}", into, rule_.similarity->name, likeness);
    }
  }

  const LayerObservations& observed_;
  const LayerCandidates& candidates_;
  const MergeRule& rule_;
  SimilarityMatrix similarity_;
};

const LayerObservations& observed_layer(const Observations& observations, int layer) {
  return *std::find_if(observations.layers.begin(), observations.layers.end(),
                       [&](const LayerObservations& candidate) { return candidate.layer == layer; });
}

/// Experts of each router group that stay, for each layer.
std::vector<int> kept_counts(const std::vector<LayerMerger>& mergers,
                             const std::vector<LayerCandidates>& layers, const Scores& scores,
                             const OneShotRule& rule) {
  if (rule.budget == PlanBudget::kGlobal) {
    if (layers.front().groups > 1)
      throw UserError("--budget global: the router has groups, which must stay of one size",
                      "merge with --budget per_layer, or pass --reset-groups");
    std::vector<MergeCosts> costs;
    for (const LayerMerger& merger : mergers) costs.push_back(merger.costs());
    return global_group_counts(costs, rule.keep);
  }
  const std::vector<int> drops = drop_counts(layers, scores, rule);
  std::vector<int> kept;
  for (std::size_t i = 0; i < layers.size(); ++i) kept.push_back(layers[i].group_size - drops[i]);
  return kept;
}

}  // namespace

std::span<const MergeMethod> merge_methods() {
  return kMethods;
}

const MergeMethod& find_merge_method(std::string_view name) {
  return find_named(merge_methods(), "--method", name);
}

Plan merge_plan(const Observations& observations, const MergeRule& merge, const OneShotRule& rule,
                std::uint64_t seed) {
  const Scores scores = score_observations(observations, find_criterion("frequency"), 0, seed);
  const std::vector<LayerCandidates> layers = candidates_of(scores, rule);
  std::vector<LayerMerger> mergers;
  for (const LayerCandidates& layer : layers)
    mergers.emplace_back(observed_layer(observations, layer.scores->layer), layer, merge);
  const std::vector<int> kept = kept_counts(mergers, layers, scores, rule);
  Plan plan;
  plan.provenance.criterion =
      fmt::format("merge {} {} {}", merge.similarity->name, merge.grouping->name, merge.weighting->name);
  plan.provenance.schedule = "one_shot";
  plan.provenance.seed = seed;
  plan.provenance.topology_sha256 = observations.topology_sha256;
  plan.router = rule.router;
  plan.experts_per_token = experts_per_token_after(scores, rule);
  for (std::size_t i = 0; i < mergers.size(); ++i) plan.layers.push_back(mergers[i].plan(kept[i]));
  validate(plan, "plan");
  return plan;
}

std::vector<std::string> merge_fallbacks(const Plan& plan) {
  std::vector<std::string> lines;
  for (const LayerPlan& layer : plan.layers) {
    for (const ExpertMerge& merge : layer.merge) {
      const auto reason = layer.reason.find(merge.into);
      if (reason == layer.reason.end() || !reason->second.starts_with(kFallback)) continue;
      lines.push_back(fmt::format("layer {}, experts {}: {}", layer.layer, fmt::join(merge.from, ", "),
                                  reason->second.substr(kFallback.size())));
    }
  }
  return lines;
}

}  // namespace espalier
