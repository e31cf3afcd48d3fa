#include <fmt/format.h>

#include "pipeline/verbs/plan.h"
#include "prune/grouping.h"
#include "prune/merge_plan.h"
#include "prune/merge_weights.h"
#include "prune/reconstruction.h"
#include "prune/similarity.h"

namespace espalier::pipeline {
namespace {

/// A line, and the rows of a table of the library below it.
template <typename Rows>
std::string table_text(const std::string& head, const Rows& rows) {
  std::string text = head;
  for (const auto& row : rows) text += fmt::format("\n{}: {}", row.name, row.definition);
  return text;
}

void describe_target(options::OptionTable& table, PlanOptions& options) {
  table.add("keep", options.keep, "N|F",
            "a whole number: experts per layer; a number with a point: a fraction of them, half rounds up");
  table.bytes("keep-bytes", options.keep_bytes, "bytes that the experts which stay may take; 20GB, 500MB");
  table.bytes("target-size", options.target_size, "bytes that the whole model may take; needs --model");
  table.choice("budget", options.budget, "WHO",
               {{"per_layer", PlanBudget::kPerLayer}, {"global", PlanBudget::kGlobal}},
               "per_layer: each layer keeps as many; global: all experts compete, by score over the layer's "
               "mean");
  table.add("protect", options.protect, "L:E,..", "experts that stay, LAYER:EXPERT,..");
  table.add("skip-layers", options.skip_layers, "L,..", "blocks that stay as they are");
  table.choice("router", options.router, "HOW",
               {{"reroute", PlanRouter::kReroute}, {"zero_output", PlanRouter::kZeroOutput}},
               "reroute (default): dropped experts leave the router; zero_output: they give zero, or with "
               "--action novice (default there) their mean output");
  table
      .add("experts-per-token", options.experts_per_token, "K", "of the model afterwards; default: as before")
      .at_least(1);
  table.flag("reset-groups", options.groups, RouterGroupRule::kIgnore,
             "drop across router groups; the result has one group, which changes routing");
}

void describe_action(options::OptionTable& table, PlanOptions& options) {
  PlanActionOptions& action = options.action_options;
  table.add("action", options.action, "NAME",
            table_text("with --observations: what becomes of experts that do not stay", plan_actions()));
  table.add("criterion", action.criterion, "NAME", "of --action drop and novice: see score")
      .shows(kDefaultCriterion);
  table.add("method", action.method, "NAME", table_text("of --action merge", merge_methods()))
      .shows(kDefaultMethod);
  table.add("group-by", action.group_by, "NAME",
            table_text("of --action merge: what is alike; default: by the method", similarities()));
  table.add("grouping", action.grouping, "NAME",
            table_text("of --action merge: how groups are made; default: by the method", groupings()));
  table.add(
      "weights", action.weights, "NAME",
      table_text("of --action merge: of the experts of a group; default: by the method", merge_weightings()));
  table.add("search", action.search, "NAME", table_text("of --action reconstruction", subset_searches()))
      .shows(kDefaultSearch);
}

}  // namespace

void describe(options::OptionTable& table, PlanOptions& options) {
  table.positional("scores", options.scores, "SCORES", "what `espalier score` wrote");
  describe_target(table, options);
  table.add("observations", options.observations, "OBS", "what `espalier observe` wrote, instead of scores");
  describe_action(table, options);
  table.add("keep-list", options.keep_list, "FILE",
            "who stays, decided elsewhere: {\"0\": [0, 3], ..}, JSON or JSONL; needs --model");
  table.add("model", options.model, "MODEL", "the model's folder: its headers say what experts take");
  table.add("out", options.out, "FILE", "the plan, JSON").require();
}

}  // namespace espalier::pipeline
