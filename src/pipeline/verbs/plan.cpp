#include "pipeline/verbs/plan.h"

#include <fmt/format.h>

#include "artifacts/keep_list.h"
#include "base/error.h"
#include "pipeline/make_verb.h"
#include "pipeline/plan_rule.h"
#include "prune/keep_list_plan.h"
#include "prune/merge_plan.h"
#include "prune/one_shot_plan.h"
#include "prune/score.h"
#include "report/quantities.h"

namespace espalier::pipeline {
namespace {

/// The plan, and the scores it was made from where there are any.
struct Planned {
  Plan plan;
  std::optional<Scores> scores;
};

Planned plan_from_scores(const PlanOptions& options, const RunContext& context) {
  Scores scores = read_scores(*options.scores);
  if (options.model) add_model_facts(scores, Checkpoint::open(*options.model));
  Plan plan = one_shot_plan(scores, rule_of(options, scores), context.seed);
  return {std::move(plan), std::move(scores)};
}

Planned plan_from_observations(const PlanOptions& options, const RunContext& context) {
  if (options.scores) throw UserError("plan: scores and --observations are given", "one or the other");
  const PlanAction& action = find_plan_action(options.action);
  const Observations observations = read_observations(*options.observations);
  Scores scores = score_observations(observations, find_criterion(kDefaultCriterion), 0, context.seed);
  if (options.model) add_model_facts(scores, Checkpoint::open(*options.model));
  Plan plan = action.make(observations, options.action_options, rule_of(options, scores), context.seed);
  return {std::move(plan), std::move(scores)};
}

Planned plan_from_keep_list(const PlanOptions& options) {
  if (!options.model) throw UserError("--keep-list: needs the model", "name its folder with --model");
  const bool more = options.scores || options.observations || options.keep || options.keep_bytes ||
                    options.target_size || !options.protect.empty() || !options.skip_layers.empty();
  if (more)
    throw UserError("--keep-list: the list decides everything; leave scores and --keep out",
                    "one or the other");
  const KeepList list = read_keep_list(*options.keep_list);
  const Topology topology = topology_with_experts(Checkpoint::open(*options.model));
  return {keep_list_plan(list, options.keep_list->string(), topology, router_of(options),
                         options.experts_per_token),
          std::nullopt};
}

Planned make_plan(const PlanOptions& options, const RunContext& context) {
  check_options_of_action(options.action_options, options.action);
  if (options.keep_list) return plan_from_keep_list(options);
  if (options.observations) return plan_from_observations(options, context);
  if (options.action != "drop")
    throw UserError(fmt::format("--action {}: needs --observations", options.action),
                    "scores say who goes, not who is like whom");
  if (!options.scores) {
    throw UserError("plan: neither scores, --observations nor --keep-list are given",
                    "name what `espalier score` wrote");
  }
  return plan_from_scores(options, context);
}

std::vector<std::string> protected_experts(const Plan& plan) {
  std::vector<std::string> lines;
  for (const LayerPlan& layer : plan.layers) {
    for (const int expert : layer.keep) {
      const auto reason = layer.reason.find(expert);
      if (reason != layer.reason.end() && reason->second.starts_with("protected"))
        lines.push_back(fmt::format("{}:{} {}", layer.layer, expert, reason->second));
    }
  }
  return lines;
}

}  // namespace

PlanningSummary plan(const PlanOptions& options, const RunContext& context) {
  const Planned planned = make_plan(options, context);
  write_plan(options.out, planned.plan);
  PlanningSummary summary;
  summary.plan = options.out;
  summary.criterion = planned.plan.provenance.criterion;
  summary.router = plan_router_name(planned.plan.router);
  summary.experts_per_token = planned.plan.experts_per_token;
  summary.keep = options.keep;
  summary.counts = summarise(planned.plan, planned.scores ? &*planned.scores : nullptr);
  summary.drops = drops_anything(planned.plan);
  summary.resets_groups = options.groups == RouterGroupRule::kIgnore;
  summary.fallbacks = merge_fallbacks(planned.plan);
  summary.protected_experts = protected_experts(planned.plan);
  return summary;
}

nlohmann::ordered_json to_json(const PlanningSummary& summary) {
  const PlanSummary& counts = summary.counts;
  nlohmann::ordered_json json{{"format", "espalier.planning/1"},
                              {"plan", summary.plan.string()},
                              {"layers", counts.layers},
                              {"experts_before", counts.experts_before},
                              {"experts_after", counts.experts_after},
                              {"fewest_kept", counts.fewest_kept},
                              {"most_kept", counts.most_kept},
                              {"fallbacks", summary.fallbacks}};
  if (counts.bytes_after) {
    json["expert_bytes_before"] = *counts.bytes_before;
    json["expert_bytes_after"] = *counts.bytes_after;
  }
  return json;
}

std::string to_text(const PlanningSummary& summary) {
  const PlanSummary& counts = summary.counts;
  std::string text = fmt::format("{}: {}, {}, {} per token\n", summary.plan.string(), summary.criterion,
                                 summary.router, summary.experts_per_token);
  text += fmt::format("  {}{}\n", summary.keep ? fmt::format("--keep {}: ", *summary.keep) : "",
                      counts_text(counts));
  if (!summary.drops) text += "  nothing is dropped\n";
  if (counts.bytes_after) {
    text += fmt::format("  experts take {} of {}\n", human_bytes(static_cast<double>(*counts.bytes_after)),
                        human_bytes(static_cast<double>(*counts.bytes_before)));
  }
  for (const std::string& line : summary.fallbacks) text += fmt::format("  note: {}\n", line);
  if (counts.never_routed_dropped > 0)
    text += fmt::format("  {} of the dropped were never routed to\n", counts.never_routed_dropped);
  for (const std::string& line : summary.protected_experts) text += fmt::format("  {}\n", line);
  if (counts.fewest_kept != counts.most_kept)
    text += "  note: layers keep different numbers, which stock programs do not load\n";
  if (summary.resets_groups) text += "  note: apply it with --reset-groups\n";
  return text;
}

Verb plan_verb() {
  return make_verb({"plan", "decide which experts stay, from scores or a keep-list",
                    "Examples:\n  espalier plan scores.json --keep 0.5 --out plan.json\n"
                    "  espalier plan --observations obs.safetensors --action merge --keep 4 --out plan.json\n"
                    "  espalier plan scores.json --keep 4 --protect 3:5 --skip-layers 0 --out plan.json\n"
                    "  espalier plan --keep-list keep.json --model MODEL --out plan.json",
                    40},
                   plan);
}

}  // namespace espalier::pipeline
