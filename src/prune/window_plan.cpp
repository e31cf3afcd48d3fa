#include "prune/window_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace espalier {
namespace {

constexpr const char* kScoredElsewhere =
    "the scores are not of this run: go on from a folder that nobody changed";

void expect_numbers(const LayerScores& layer) {
  for (std::size_t i = 0; i < layer.scores.size(); ++i) {
    if (std::isfinite(layer.scores[i])) continue;
    throw UserError(
        fmt::format("scores of block {}: the score of expert {} is {}", layer.layer, i, layer.scores[i]),
        "training diverged; lower the learning rate");
  }
}

void expect_this_window(const Scores& scores, const WindowRule& rule, const WindowEnd& end) {
  const std::string_view expected = rule.criterion->name;
  if (scores.criterion != expected) {
    throw UserError(fmt::format("scores: criterion \"{}\", expected \"{}\"", scores.criterion, expected),
                    kScoredElsewhere);
  }
  if (scores.window && (scores.window->index != end.index || scores.window->last_step != end.last_step)) {
    throw UserError(fmt::format("scores: of window {} up to step {}, expected window {} up to step {}",
                                scores.window->index, scores.window->last_step, end.index, end.last_step),
                    kScoredElsewhere);
  }
  if (!scores.layers.empty() && !scores.experts_per_token) {
    throw UserError("scores: the field experts_per_token is missing", "a plan needs the model's K");
  }
}

/// [E] places 0 (best) to E-1; equal scores in the order of their numbers.
std::vector<std::size_t> ranks(const std::vector<double>& scores) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return scores[a] > scores[b]; });
  std::vector<std::size_t> rank(scores.size());
  for (std::size_t place = 0; place < order.size(); ++place) rank[order[place]] = place;
  return rank;
}

/// Why expert i goes; nothing when it stays.
std::optional<std::string> drop_reason(const WindowRule& rule, const WindowEnd& end, double score,
                                       std::size_t rank, std::size_t survivors) {
  if (rank == 0) return std::nullopt;
  const std::string_view name = rule.criterion->name;
  if (rule.schedule == PruneSchedule::kStaged) {
    if (rank + 1 < survivors) return std::nullopt;
    return fmt::format("{} {:.4g}, rank {} of {} (staged)", name, score, rank + 1, survivors);
  }
  if (end.forced)
    return fmt::format("{} {:.4g}, rank {} of {} (force drop)", name, score, rank + 1, survivors);
  const double threshold = rule.beta / static_cast<double>(survivors);
  if (rule.criterion->scale == ScoreScale::kSigned || !(score < threshold)) return std::nullopt;
  return fmt::format("{} {:.4g} < {:.4g} ({:.4g} / {})", name, score, threshold, rule.beta, survivors);
}

LayerPlan layer_plan(const LayerScores& scores, const WindowRule& rule, const WindowEnd& end) {
  LayerPlan plan;
  plan.layer = scores.layer;
  plan.num_experts_before = static_cast<int>(scores.scores.size());
  plan.original = scores.original;
  const std::vector<std::size_t> rank = ranks(scores.scores);
  for (std::size_t i = 0; i < rank.size(); ++i) {
    const int expert = static_cast<int>(i);
    if (auto reason = drop_reason(rule, end, scores.scores[i], rank[i], rank.size())) {
      plan.reason[expert] = std::move(*reason);
    } else {
      plan.keep.push_back(expert);
    }
  }
  return plan;
}

PlanProvenance provenance_of(const Scores& scores, const WindowRule& rule, const WindowEnd& end,
                             std::uint64_t seed) {
  PlanProvenance provenance;
  provenance.criterion = scores.criterion;
  provenance.schedule = prune_schedule_name(rule.schedule);
  provenance.seed = seed;
  provenance.topology_sha256 = scores.topology_sha256;
  provenance.window = end.index;
  provenance.step = end.last_step;
  return provenance;
}

}  // namespace

Plan window_plan(const Scores& scores, const WindowRule& rule, const WindowEnd& end, std::uint64_t seed) {
  validate(rule);
  if (rule.schedule == PruneSchedule::kNone) throw InternalError("a window ended in a run without pruning");
  validate(scores, "scores");
  expect_this_window(scores, rule, end);
  Plan plan;
  plan.provenance = provenance_of(scores, rule, end, seed);
  std::optional<int> fewest;  // of the layers that still need a router
  for (const LayerScores& layer : scores.layers) {
    expect_numbers(layer);
    plan.layers.push_back(layer_plan(layer, rule, end));
    const int survivors = static_cast<int>(plan.layers.back().keep.size());
    if (survivors > 1) fewest = std::min(fewest.value_or(survivors), survivors);
  }
  plan.experts_per_token = std::min(scores.experts_per_token.value_or(1), fewest.value_or(1));
  validate(plan, "plan");
  return plan;
}

}  // namespace espalier
