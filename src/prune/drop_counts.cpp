#include "prune/drop_counts.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "prune/global_drops.h"
#include "prune/keep_sizes.h"

namespace espalier {
namespace {

void expect_divisible(const LayerCandidates& layer, std::int64_t count) {
  if (count % layer.groups == 0) return;
  const std::int64_t below = count / layer.groups * layer.groups, above = below + layer.groups;
  throw UserError(
      fmt::format("--keep: {} experts of block {} cannot be shared equally by its {} router groups", count,
                  layer.scores->layer, layer.groups),
      fmt::format("keep {}{}, or pass --reset-groups for one group, which changes routing",
                  below > 0 ? fmt::format("{} or ", below) : "", above));
}

/// `kept`: of each group.
void expect_enough(const LayerCandidates& layer, const Scores& scores, const OneShotRule& rule, int kept) {
  if (kept < layer.least_for_router) {
    const int top_groups = layer.groups == 1 ? 1 : scores.router_top_groups;
    throw UserError(
        fmt::format("block {} would keep {} of its experts, of which a token can reach {}, but it visits {}",
                    layer.scores->layer, kept * layer.groups, kept * top_groups,
                    experts_per_token_after(scores, rule)),
        fmt::format("keep at least {}, or pass --experts-per-token {}", layer.least_for_router * layer.groups,
                    std::max(1, kept * top_groups)));
  }
  if (kept < layer.least_for_protected) {
    throw UserError(
        fmt::format("block {}: {} experts{} are protected, {} are to stay", layer.scores->layer,
                    layer.least_for_protected, layer.groups == 1 ? "" : " of a router group", kept),
        "keep more, or protect fewer (--protect, --min-tokens of the scores)");
  }
}

/// Experts of each group that stay in one layer.
int kept_by_count(const LayerCandidates& layer, KeepCount keep) {
  if (keep.count >= layer.experts()) return layer.group_size;  // it has no more: it loses none
  expect_divisible(layer, keep.count);
  return static_cast<int>(keep.count) / layer.groups;
}

int kept_by_fraction(const LayerCandidates& layer, KeepFraction keep) {
  const auto kept = static_cast<int>(part_of(keep.fraction, layer.group_size));
  if (kept > 0) return kept;
  throw UserError(
      fmt::format("--keep: {} of {} experts{} rounds to none (block {})", keep.fraction, layer.group_size,
                  layer.groups == 1 ? "" : " in a router group", layer.scores->layer),
      "keep a larger fraction, or a whole number of experts per layer");
}

/// The most experts of each group that the bytes allow, the same in all layers (where there are so many).
std::vector<int> kept_by_bytes(const std::vector<LayerCandidates>& layers, const Scores& scores,
                               KeepBytes keep) {
  int most = 0, least = 0;
  for (const LayerCandidates& layer : layers) {
    most = std::max(most, layer.group_size);
    least = std::max(least, layer.least());
  }
  const auto at = [&](int kept) {
    std::vector<int> result;
    for (const LayerCandidates& layer : layers) result.push_back(std::min(kept, layer.group_size));
    return result;
  };
  int kept = most;
  while (kept > least && bytes_kept(layers, scores, at(kept)) > keep.bytes) --kept;
  if (bytes_kept(layers, scores, at(kept)) > keep.bytes) {
    too_few_bytes(keep.bytes, bytes_kept(layers, scores, at(kept)));
  }
  return at(kept);
}

std::vector<int> kept_per_layer(const std::vector<LayerCandidates>& layers, const Scores& scores,
                                const OneShotRule& rule) {
  if (const auto* bytes = std::get_if<KeepBytes>(&rule.keep)) return kept_by_bytes(layers, scores, *bytes);
  std::vector<int> kept;
  for (const LayerCandidates& layer : layers) {
    const auto* count = std::get_if<KeepCount>(&rule.keep);
    kept.push_back(count != nullptr ? kept_by_count(layer, *count)
                                    : kept_by_fraction(layer, std::get<KeepFraction>(rule.keep)));
  }
  return kept;
}

/// A count above every layer's, and a fraction below 1 that drops nobody, are mistakes.
void expect_some_drop(const std::vector<LayerCandidates>& layers, const OneShotRule& rule,
                      std::int64_t dropped) {
  std::int64_t most = 0;
  for (const LayerCandidates& layer : layers) most = std::max<std::int64_t>(most, layer.experts());
  if (const auto* count = std::get_if<KeepCount>(&rule.keep); count != nullptr && count->count > most) {
    throw UserError(fmt::format("--keep: {} experts, the layers have {}", count->count, most),
                    fmt::format("keep {} or fewer, or a fraction such as 0.5", most));
  }
  const auto* part = std::get_if<KeepFraction>(&rule.keep);
  if (part == nullptr || part->fraction == 1.0 || dropped > 0) return;
  throw UserError(fmt::format("--keep: {} rounds to everything: of {} experts per layer none would go",
                              part->fraction, most),
                  "keep a smaller fraction, or 1.0 for all experts");
}

}  // namespace

std::vector<int> drop_counts(const std::vector<LayerCandidates>& layers, const Scores& scores,
                             const OneShotRule& rule) {
  std::vector<int> drops;
  if (rule.budget == PlanBudget::kGlobal) {
    drops = global_drops(layers, scores, rule);
  } else {
    const std::vector<int> kept = kept_per_layer(layers, scores, rule);
    for (std::size_t i = 0; i < layers.size(); ++i) {
      expect_enough(layers[i], scores, rule, kept[i]);
      drops.push_back(layers[i].group_size - kept[i]);
    }
  }
  std::int64_t dropped = 0;
  for (const int count : drops) dropped += count;
  expect_some_drop(layers, rule, dropped);
  return drops;
}

}  // namespace espalier
