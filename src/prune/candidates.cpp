#include "prune/candidates.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace espalier {
namespace {

const LayerScores& layer_of(const Scores& scores, int number, std::string_view option) {
  for (const LayerScores& layer : scores.layers) {
    if (layer.layer == number) return layer;
  }
  throw UserError(fmt::format("{}: block {} has no scores", option, number),
                  "layers are 0-based block numbers");
}

/// Experts that stay whatever their score.
std::map<int, std::string> protected_experts(const Scores& scores, const LayerScores& layer,
                                             const OneShotRule& rule) {
  std::map<int, std::string> why;
  for (const int expert : seen_too_rarely(layer, scores.min_tokens)) {
    why[expert] = fmt::format("protected: {} tokens, fewer than {}",
                              layer.tokens[static_cast<std::size_t>(expert)], scores.min_tokens);
  }
  for (const ExpertId& id : rule.protect) {
    if (id.layer != layer.layer) continue;
    const auto experts = static_cast<int>(layer.scores.size());
    if (id.expert >= experts) {
      throw UserError(fmt::format("--protect: there is no expert {} in block {}, expected 0 to {}", id.expert,
                                  id.layer, experts - 1),
                      "experts are named LAYER:EXPERT, both from 0 on");
    }
    why[id.expert] = "protected";
  }
  return why;
}

/// Experts per group that a token must find: with `reroute` K of those in the groups it may visit.
int least_for_router(const Scores& scores, const OneShotRule& rule) {
  if (rule.router == PlanRouter::kZeroOutput) return 1;
  const int top_groups = rule.groups == RouterGroupRule::kIgnore ? 1 : scores.router_top_groups;
  return std::max(1, (experts_per_token_after(scores, rule) + top_groups - 1) / top_groups);
}

LayerCandidates candidates_in(const Scores& scores, const LayerScores& layer, const OneShotRule& rule) {
  LayerCandidates result;
  const auto experts = static_cast<int>(layer.scores.size());
  result.scores = &layer;
  result.groups = rule.groups == RouterGroupRule::kIgnore ? 1 : scores.router_groups;
  if (experts % result.groups != 0) {
    throw UserError(fmt::format("scores: block {} has {} experts in {} router groups of one size",
                                layer.layer, experts, result.groups),
                    "score again with the model's own groups, or plan with --reset-groups");
  }
  result.group_size = experts / result.groups;
  result.protected_why = protected_experts(scores, layer, rule);
  const std::vector<int> rank = ranks_in_groups(layer.scores, result.groups);
  for (int group = 0; group < result.groups; ++group) {
    std::vector<int>& droppable = result.droppable.emplace_back();
    for (int expert = group * result.group_size; expert < (group + 1) * result.group_size; ++expert) {
      if (!result.protected_why.contains(expert)) droppable.push_back(expert);
    }
    std::sort(droppable.begin(), droppable.end(), [&](int a, int b) {
      return rank[static_cast<std::size_t>(a)] > rank[static_cast<std::size_t>(b)];
    });
    const int kept = result.group_size - static_cast<int>(droppable.size());
    result.least_for_protected = std::max(result.least_for_protected, kept);
  }
  result.least_for_router = least_for_router(scores, rule);
  if (result.least_for_router > result.group_size) {
    throw UserError(
        fmt::format("block {}: a token visits {} experts, the groups it may choose from have {}", layer.layer,
                    experts_per_token_after(scores, rule), result.group_size * scores.router_top_groups),
        "lower --experts-per-token");
  }
  return result;
}

}  // namespace

int experts_per_token_after(const Scores& scores, const OneShotRule& rule) {
  if (!scores.experts_per_token) {
    throw UserError("scores: the field experts_per_token is missing", "a plan needs the model's K");
  }
  return rule.experts_per_token.value_or(*scores.experts_per_token);
}

std::vector<int> ranks_in_groups(const std::vector<double>& scores, int groups) {
  const auto before = [&](std::size_t a, std::size_t b) {
    if (std::isnan(scores[a]) || std::isnan(scores[b]))
      return !std::isnan(scores[a]) && std::isnan(scores[b]);
    return scores[a] > scores[b];
  };
  std::vector<int> rank(scores.size());
  const std::size_t size = scores.size() / static_cast<std::size_t>(groups);
  for (std::size_t begin = 0; begin < scores.size(); begin += size) {
    std::vector<std::size_t> order(size);
    std::iota(order.begin(), order.end(), begin);
    std::stable_sort(order.begin(), order.end(), before);
    for (std::size_t place = 0; place < size; ++place) rank[order[place]] = static_cast<int>(place);
  }
  return rank;
}

std::vector<LayerCandidates> candidates_of(const Scores& scores, const OneShotRule& rule) {
  for (const ExpertId& id : rule.protect) layer_of(scores, id.layer, "--protect");
  for (const int layer : rule.skip_layers) layer_of(scores, layer, "--skip-layers");
  std::vector<LayerCandidates> result;
  for (const LayerScores& layer : scores.layers) {
    const auto skipped = std::find(rule.skip_layers.begin(), rule.skip_layers.end(), layer.layer);
    if (skipped == rule.skip_layers.end()) result.push_back(candidates_in(scores, layer, rule));
  }
  if (result.empty()) {
    throw UserError("plan: no layer is left to prune", "the scores have no layers, or all are skipped");
  }
  return result;
}

}  // namespace espalier
