#include "prune/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "artifacts/json_fields.h"
#include "base/error.h"
#include "report/quantities.h"

namespace espalier {
namespace {

using nlohmann::ordered_json;

const LayerScores* scores_of_layer(const Scores* scores, const LayerPlan& layer) {
  if (scores == nullptr) return nullptr;
  for (const LayerScores& candidate : scores->layers) {
    if (candidate.layer != layer.layer) continue;
    if (static_cast<int>(candidate.scores.size()) == layer.num_experts_before) return &candidate;
    throw UserError(fmt::format("block {}: the plan is for {} experts, the scores are of {}", layer.layer,
                                layer.num_experts_before, candidate.scores.size()),
                    "name the scores that the plan was made from");
  }
  throw UserError(fmt::format("block {}: the scores do not have it", layer.layer),
                  "name the scores that the plan was made from");
}

ExpertFate fate_of(const LayerPlan& layer, int expert) {
  if (std::binary_search(layer.keep.begin(), layer.keep.end(), expert)) return ExpertFate::kKept;
  for (const ExpertMerge& merge : layer.merge) {
    if (std::find(merge.from.begin(), merge.from.end(), expert) != merge.from.end())
      return ExpertFate::kMerged;
  }
  return ExpertFate::kDropped;
}

ExplainedExpert explain_expert(const LayerPlan& layer, const LayerScores* scores, int expert) {
  const auto i = static_cast<std::size_t>(expert);
  ExplainedExpert result;
  result.expert = expert;
  result.original = layer.original.empty() ? expert : layer.original[i];
  result.fate = fate_of(layer, expert);
  if (scores != nullptr) {
    result.score = scores->scores[i];
    if (!scores->tokens.empty()) result.tokens = scores->tokens[i];
  }
  for (const ExpertMerge& merge : layer.merge) {
    const auto found = std::find(merge.from.begin(), merge.from.end(), expert);
    if (found == merge.from.end()) continue;
    result.into = merge.into;
    result.weight = merge.weights[static_cast<std::size_t>(found - merge.from.begin())];
  }
  const auto reason = layer.reason.find(expert);
  if (reason != layer.reason.end()) result.reason = reason->second;
  return result;
}

std::string score_text(const ExplainedExpert& expert) {
  if (!expert.score) return "";
  return std::isnan(*expert.score) ? "-" : fmt::format("{:.4g}", *expert.score);
}

std::string head_text(const Explanation& explanation) {
  const Plan& plan = explanation.plan;
  std::string text = fmt::format("{} by {}, router {}, {} per token\n{}", plan.provenance.schedule,
                                 plan.provenance.criterion, plan_router_name(plan.router),
                                 plan.experts_per_token, counts_text(explanation.summary));
  if (explanation.summary.bytes_after) {
    text += fmt::format(", {} of {}", human_bytes(static_cast<double>(*explanation.summary.bytes_after)),
                        human_bytes(static_cast<double>(*explanation.summary.bytes_before)));
  }
  return text + "\n";
}

std::string row_text(const ExplainedExpert& expert) {
  std::string number = std::to_string(expert.expert);
  if (expert.original != expert.expert) number += fmt::format(" ({})", expert.original);
  std::string row = fmt::format("  {:>10}  {:<8}", number, fate_name(expert.fate));
  if (expert.score) row += fmt::format("{:>12}", score_text(expert));
  if (expert.tokens) row += fmt::format("{:>12}", *expert.tokens);
  if (expert.weight) row += fmt::format("  {:.4g} of {}", *expert.weight, *expert.into);
  if (!expert.reason.empty()) row += "  " + expert.reason;
  while (row.ends_with(' ')) row.pop_back();
  return row + "\n";
}

/// "  1 = 0.25 of 1 + 0.75 of 4"
std::string group_text(const ExpertMerge& group) {
  std::string text = fmt::format("  {} =", group.into);
  for (std::size_t i = 0; i < group.from.size(); ++i)
    text += fmt::format("{} {:.4g} of {}", i == 0 ? "" : " +", group.weights[i], group.from[i]);
  return text + (group.neurons.empty() ? "\n" : ", neurons in order\n");
}

}  // namespace

std::string_view fate_name(ExpertFate fate) {
  switch (fate) {
    case ExpertFate::kKept:
      return "kept";
    case ExpertFate::kDropped:
      return "dropped";
    case ExpertFate::kMerged:
      return "merged";
  }
  throw InternalError("an expert without a fate");
}

Explanation explain(const Plan& plan, const Scores* scores) {
  if (scores != nullptr && scores->topology_sha256 && plan.provenance.topology_sha256 &&
      *scores->topology_sha256 != *plan.provenance.topology_sha256) {
    throw UserError("the plan and the scores are of different models",
                    "name the scores that the plan was made from");
  }
  Explanation explanation{plan, summarise(plan, scores), {}};
  for (const LayerPlan& layer : plan.layers) {
    const LayerScores* layer_scores = scores_of_layer(scores, layer);
    ExplainedLayer& explained = explanation.layers.emplace_back();
    explained.layer = layer.layer;
    explained.kept = static_cast<int>(layer.keep.size());
    explained.groups = layer.merge;
    for (int expert = 0; expert < layer.num_experts_before; ++expert) {
      explained.experts.push_back(explain_expert(layer, layer_scores, expert));
    }
  }
  return explanation;
}

std::string to_text(const Explanation& explanation) {
  std::string text = head_text(explanation);
  for (const ExplainedLayer& layer : explanation.layers) {
    text += fmt::format("\nlayer {}: {} of {} experts stay\n", layer.layer, layer.kept, layer.experts.size());
    const bool scores = !layer.experts.empty() && layer.experts.front().score.has_value();
    const bool tokens = !layer.experts.empty() && layer.experts.front().tokens.has_value();
    text += fmt::format("  {:>10}{}{}\n", "expert", scores ? fmt::format("{:>22}", "score") : "",
                        tokens ? fmt::format("{:>12}", "tokens") : "");
    for (const ExplainedExpert& expert : layer.experts) text += row_text(expert);
    for (const ExpertMerge& group : layer.groups) text += group_text(group);
  }
  return text;
}

ordered_json to_json(const Explanation& explanation) {
  const PlanSummary& summary = explanation.summary;
  ordered_json json{{"format", "espalier.explanation/1"},
                    {"criterion", explanation.plan.provenance.criterion},
                    {"schedule", explanation.plan.provenance.schedule},
                    {"router", plan_router_name(explanation.plan.router)},
                    {"experts_per_token", explanation.plan.experts_per_token},
                    {"experts_before", summary.experts_before},
                    {"experts_after", summary.experts_after}};
  if (summary.bytes_after) {
    json["expert_bytes_before"] = *summary.bytes_before;
    json["expert_bytes_after"] = *summary.bytes_after;
  }
  json["layers"] = ordered_json::array();
  for (const ExplainedLayer& layer : explanation.layers) {
    ordered_json experts = ordered_json::array();
    for (const ExplainedExpert& expert : layer.experts) {
      ordered_json item{
          {"expert", expert.expert}, {"original", expert.original}, {"fate", fate_name(expert.fate)}};
      if (expert.score) item["score"] = number_or_null(*expert.score);
      if (expert.tokens) item["tokens"] = *expert.tokens;
      if (expert.into) item["into"] = *expert.into;
      if (expert.weight) item["weight"] = *expert.weight;
      if (!expert.reason.empty()) item["reason"] = expert.reason;
      experts.push_back(std::move(item));
    }
    json["layers"].push_back({{"layer", layer.layer}, {"kept", layer.kept}, {"experts", std::move(experts)}});
  }
  return json;
}

}  // namespace espalier
