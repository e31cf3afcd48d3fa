#include "pipeline/plan_rule.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "checkpoint/checkpoint.h"

namespace espalier::pipeline {
namespace {

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

KeepTarget target_of(const PlanOptions& options, const Scores& scores) {
  const int targets =
      options.keep.has_value() + options.keep_bytes.has_value() + options.target_size.has_value();
  if (targets != 1) {
    throw UserError(
        fmt::format("plan: {} of --keep, --keep-bytes and --target-size are given, expected one", targets),
        "--keep 4 keeps four experts per layer, --keep 0.5 half of them");
  }
  if (options.keep) return parse_keep(*options.keep);
  if (options.keep_bytes) return KeepBytes{*options.keep_bytes};
  if (!options.model) throw UserError("--target-size: needs the model", "name its folder with --model");
  return KeepBytes{expert_bytes_within(*options.target_size, Checkpoint::open(*options.model), scores)};
}

}  // namespace

PlanRouter router_of(const PlanOptions& options) {
  return options.router ? *options.router : find_plan_action(options.action).router;
}

OneShotRule rule_of(const PlanOptions& options, const Scores& scores) {
  OneShotRule rule;
  rule.keep = target_of(options, scores);
  rule.budget = options.budget;
  rule.protect = parse_experts(options.protect);
  rule.skip_layers = parse_layers(options.skip_layers);
  rule.router = router_of(options);
  rule.experts_per_token = options.experts_per_token;
  rule.groups = options.groups;
  return rule;
}

}  // namespace espalier::pipeline
