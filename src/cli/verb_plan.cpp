#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "artifacts/keep_list.h"
#include "base/error.h"
#include "cli/plan_actions.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "prune/keep_list_plan.h"
#include "prune/merge_plan.h"
#include "prune/one_shot_plan.h"
#include "prune/plan_summary.h"
#include "prune/reconstruction.h"
#include "prune/score.h"
#include "report/quantities.h"

namespace espalier {
namespace {

struct PlanArguments {
  std::optional<std::string> scores, keep, keep_list, model, observations;
  std::string action = "drop";
  PlanActionOptions action_options;
  std::optional<std::uint64_t> keep_bytes, target_size;
  std::string budget = "per_layer", protect, skip_layers, out;
  std::optional<std::string> router;  // default: by the action
  std::optional<int> experts_per_token;
  bool reset_groups = false;
};

PlanRouter router_of(const PlanArguments& arguments) {
  return arguments.router ? parse_plan_router(*arguments.router) : find_plan_action(arguments.action).router;
}

/// Bytes of experts that may stay so that the model's files take no more than `target`.
std::uint64_t expert_bytes_within(std::uint64_t target, const Checkpoint& checkpoint, const Scores& scores) {
  std::uint64_t experts = 0;
  for (const LayerScores& layer : scores.layers)
    experts += layer.expert_bytes.value_or(0) * layer.scores.size();
  const std::uint64_t rest = checkpoint.file_bytes() - std::min(experts, checkpoint.file_bytes());
  if (target > rest) return target - rest;
  throw UserError(fmt::format("--target-size: {} bytes, what is not experts takes {}", target, rest),
                  "no number of experts makes the model so small");
}

OneShotRule rule_of(const PlanArguments& arguments, const Scores& scores) {
  OneShotRule rule;
  const int targets =
      arguments.keep.has_value() + arguments.keep_bytes.has_value() + arguments.target_size.has_value();
  if (targets != 1) {
    throw UserError(
        fmt::format("plan: {} of --keep, --keep-bytes and --target-size are given, expected one", targets),
        "--keep 4 keeps four experts per layer, --keep 0.5 half of them");
  }
  if (arguments.keep) rule.keep = parse_keep(*arguments.keep);
  if (arguments.keep_bytes) rule.keep = KeepBytes{*arguments.keep_bytes};
  if (arguments.target_size) {
    if (!arguments.model) throw UserError("--target-size: needs the model", "name its folder with --model");
    rule.keep =
        KeepBytes{expert_bytes_within(*arguments.target_size, Checkpoint::open(*arguments.model), scores)};
  }
  rule.budget = parse_plan_budget(arguments.budget);
  rule.protect = parse_experts(arguments.protect);
  rule.skip_layers = parse_layers(arguments.skip_layers);
  rule.router = router_of(arguments);
  rule.experts_per_token = arguments.experts_per_token;
  if (arguments.reset_groups) rule.groups = RouterGroupRule::kIgnore;
  return rule;
}

/// The plan, and the scores it was made from where there are any.
struct Planned {
  Plan plan;
  std::optional<Scores> scores;
};

Planned plan_from_scores(const PlanArguments& arguments, const GlobalOptions& global) {
  Scores scores = read_scores(*arguments.scores);
  if (arguments.model) add_model_facts(scores, Checkpoint::open(*arguments.model));
  Plan plan = one_shot_plan(scores, rule_of(arguments, scores), global.seed);
  return {std::move(plan), std::move(scores)};
}

/// Tables in `--help`.
template <typename Rows>
std::string table_text(const std::string& head, const Rows& rows) {
  std::string text = head;
  for (const auto& row : rows) text += fmt::format("\n{}: {}", row.name, row.definition);
  return text;
}

Planned plan_from_observations(const PlanArguments& arguments, const GlobalOptions& global) {
  if (arguments.scores) throw UserError("plan: scores and --observations are given", "one or the other");
  const PlanAction& action = find_plan_action(arguments.action);
  const Observations observations = read_observations(*arguments.observations);
  Scores scores = score_observations(observations, find_criterion("frequency"), 0, global.seed);
  if (arguments.model) add_model_facts(scores, Checkpoint::open(*arguments.model));
  Plan plan = action.make(observations, arguments.action_options, rule_of(arguments, scores), global.seed);
  return {std::move(plan), std::move(scores)};
}

Planned plan_from_keep_list(const PlanArguments& arguments) {
  if (!arguments.model) throw UserError("--keep-list: needs the model", "name its folder with --model");
  const bool more = arguments.scores || arguments.observations || arguments.keep || arguments.keep_bytes ||
                    arguments.target_size || !arguments.protect.empty() || !arguments.skip_layers.empty();
  if (more)
    throw UserError("--keep-list: the list decides everything; leave scores and --keep out",
                    "one or the other");
  const KeepList list = read_keep_list(*arguments.keep_list);
  const Topology topology = topology_with_experts(Checkpoint::open(*arguments.model));
  return {
      keep_list_plan(list, *arguments.keep_list, topology, router_of(arguments), arguments.experts_per_token),
      std::nullopt};
}

Planned make_plan(const PlanArguments& arguments, const GlobalOptions& global) {
  if (arguments.keep_list) return plan_from_keep_list(arguments);
  if (arguments.observations) return plan_from_observations(arguments, global);
  if (arguments.action != "drop")
    throw UserError(fmt::format("--action {}: needs --observations", arguments.action),
                    "scores say who goes, not who is like whom");
  if (!arguments.scores) {
    throw UserError("plan: neither scores, --observations nor --keep-list are given",
                    "name what `espalier score` wrote");
  }
  return plan_from_scores(arguments, global);
}

void print_text(const PlanArguments& arguments, const Planned& planned, const PlanSummary& summary) {
  const Plan& plan = planned.plan;
  std::cout << fmt::format("{}: {}, {}, {} per token\n", arguments.out, plan.provenance.criterion,
                           plan_router_name(plan.router), plan.experts_per_token);
  std::cout << fmt::format("  {}{}\n", arguments.keep ? fmt::format("--keep {}: ", *arguments.keep) : "",
                           counts_text(summary));
  if (!drops_anything(plan)) std::cout << "  nothing is dropped\n";
  if (summary.bytes_after) {
    std::cout << fmt::format("  experts take {} of {}\n",
                             human_bytes(static_cast<double>(*summary.bytes_after)),
                             human_bytes(static_cast<double>(*summary.bytes_before)));
  }
  for (const std::string& line : merge_fallbacks(plan)) std::cout << fmt::format("  note: {}\n", line);
  if (summary.never_routed_dropped > 0) {
    std::cout << fmt::format("  {} of the dropped were never routed to\n", summary.never_routed_dropped);
  }
  for (const LayerPlan& layer : plan.layers) {
    for (const int expert : layer.keep) {
      const auto reason = layer.reason.find(expert);
      if (reason != layer.reason.end() && reason->second.starts_with("protected"))
        std::cout << fmt::format("  {}:{} {}\n", layer.layer, expert, reason->second);
    }
  }
  if (summary.fewest_kept != summary.most_kept) {
    std::cout << "  note: layers keep different numbers, which stock programs do not load\n";
  }
  if (arguments.reset_groups) std::cout << "  note: apply it with --reset-groups\n";
}

void print(const PlanArguments& arguments, const Planned& planned, const GlobalOptions& global) {
  const PlanSummary summary = summarise(planned.plan, planned.scores ? &*planned.scores : nullptr);
  if (!global.json) return print_text(arguments, planned, summary);
  nlohmann::ordered_json json{{"format", "espalier.planning/1"},
                              {"plan", arguments.out},
                              {"layers", summary.layers},
                              {"experts_before", summary.experts_before},
                              {"experts_after", summary.experts_after},
                              {"fewest_kept", summary.fewest_kept},
                              {"most_kept", summary.most_kept},
                              {"fallbacks", merge_fallbacks(planned.plan)}};
  if (summary.bytes_after) {
    json["expert_bytes_before"] = *summary.bytes_before;
    json["expert_bytes_after"] = *summary.bytes_after;
  }
  std::cout << json.dump(2) << '\n';
}

void add_target_options(CLI::App& app, PlanArguments& arguments) {
  app.add_option(
         "--keep", arguments.keep,
         "a whole number: experts per layer; a number with a point: a fraction of them, half rounds up")
      ->type_name("N|F");
  app.add_option("--keep-bytes", arguments.keep_bytes,
                 "bytes that the experts which stay may take; 20GB, 500MB")
      ->transform(CLI::AsSizeValue(true));
  app.add_option("--target-size", arguments.target_size, "bytes that the whole model may take; needs --model")
      ->transform(CLI::AsSizeValue(true));
  app.add_option(
         "--budget", arguments.budget,
         "per_layer: each layer keeps as many; global: all experts compete, by score over the layer's mean")
      ->capture_default_str();
  app.add_option("--protect", arguments.protect, "experts that stay, LAYER:EXPERT,..")->type_name("L:E,..");
  app.add_option("--skip-layers", arguments.skip_layers, "blocks that stay as they are")->type_name("L,..");
  app.add_option("--router", arguments.router,
                 "reroute (default): dropped experts leave the router; zero_output: they give zero, or with "
                 "--action novice (default there) their mean output");
  app.add_option("--experts-per-token", arguments.experts_per_token,
                 "K of the model afterwards; default: as before")
      ->check(CLI::PositiveNumber)
      ->type_name("K");
  app.add_flag("--reset-groups", arguments.reset_groups,
               "drop across router groups; the result has one group, which changes routing");
}

void add_action_options(CLI::App& app, PlanArguments& arguments) {
  PlanActionOptions& options = arguments.action_options;
  app.add_option("--observations", arguments.observations, "what `espalier observe` wrote, instead of scores")
      ->type_name("OBS");
  app.add_option("--action", arguments.action,
                 table_text("with --observations: what becomes of experts that do not stay", plan_actions()))
      ->capture_default_str();
  app.add_option("--criterion", options.criterion, "of --action drop and novice: see score")
      ->capture_default_str();
  app.add_option("--method", options.method, table_text("of --action merge", merge_methods()))
      ->capture_default_str();
  app.add_option("--group-by", options.group_by,
                 table_text("of --action merge: what is alike; default: by the method", similarities()));
  app.add_option("--grouping", options.grouping,
                 table_text("of --action merge: how groups are made; default: by the method", groupings()));
  app.add_option(
      "--weights", options.weights,
      table_text("of --action merge: of the experts of a group; default: by the method", merge_weightings()));
  app.add_option("--search", options.search, table_text("of --action reconstruction", subset_searches()))
      ->capture_default_str();
}

}  // namespace

void add_plan(CLI::App& app, const GlobalOptions& global) {
  auto arguments = std::make_shared<PlanArguments>();
  app.add_option("scores", arguments->scores, "what `espalier score` wrote")->type_name("SCORES");
  add_target_options(app, *arguments);
  add_action_options(app, *arguments);
  app.add_option("--keep-list", arguments->keep_list,
                 "who stays, decided elsewhere: {\"0\": [0, 3], ..}, JSON or JSONL; needs --model")
      ->type_name("FILE");
  app.add_option("--model", arguments->model, "the model's folder: its headers say what experts take")
      ->type_name("MODEL");
  app.add_option("--out", arguments->out, "the plan, JSON")->required()->type_name("FILE");
  app.footer(
      "Examples:\n  espalier plan scores.json --keep 0.5 --out plan.json\n"
      "  espalier plan --observations obs.safetensors --action merge --keep 4 --out plan.json\n"
      "  espalier plan scores.json --keep 4 --protect 3:5 --skip-layers 0 --out plan.json\n"
      "  espalier plan --keep-list keep.json --model MODEL --out plan.json");
  app.callback([arguments, &global, &app] {
    for (const auto& [option, action] : options_of_actions())
      if (app.count(std::string(option)) > 0) check_option_of_action(option, arguments->action);
    const Planned planned = make_plan(*arguments, global);
    write_plan(arguments->out, planned.plan);
    print(*arguments, planned, global);
  });
}

}  // namespace espalier
