#include "report/window_shares.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace espalier {
namespace {

constexpr double kGone = std::numeric_limits<double>::quiet_NaN();
constexpr double kRounding = 1e-3;  // of scores that were summed in float32

template <typename Layer>
const Layer* find_layer(const std::vector<Layer>& layers, int number) {
  const auto found =
      std::find_if(layers.begin(), layers.end(), [&](const Layer& layer) { return layer.layer == number; });
  return found == layers.end() ? nullptr : &*found;
}

/// [E] summing to 1, in the order of `scores`; a score that is NaN (never routed) is a share of 0.
std::vector<double> shares_of(const LayerScores& layer) {
  std::vector<double> shares;
  double sum = 0, tokens = 0;
  for (const double score : layer.scores) sum += shares.emplace_back(std::isnan(score) ? 0 : score);
  for (const std::int64_t count : layer.tokens) tokens += static_cast<double>(count);
  const bool negative = std::any_of(shares.begin(), shares.end(), [](double share) { return share < 0; });
  if (!negative && std::fabs(sum - 1) < kRounding) return shares;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    shares[i] = tokens > 0 ? static_cast<double>(layer.tokens[i]) / tokens : 0;
  }
  return shares;
}

/// The number at the start of the run of an expert before a plan.
int original_of(const LayerPlan& layer, int expert) {
  return layer.original.empty() ? expert : layer.original[static_cast<std::size_t>(expert)];
}

std::vector<int> experts_of(const RunFolder& run, int layer) {
  std::set<int> experts;
  for (const Scores& scores : run.scores) {
    if (const LayerScores* found = find_layer(scores.layers, layer)) {
      experts.insert(found->original.begin(), found->original.end());
    }
  }
  return {experts.begin(), experts.end()};
}

/// The place of an expert in the rows; none for one that no window's scores have.
std::optional<std::size_t> place_of(const WindowShares& table, int original) {
  const auto found = std::lower_bound(table.experts.begin(), table.experts.end(), original);
  if (found == table.experts.end() || *found != original) return std::nullopt;
  return static_cast<std::size_t>(found - table.experts.begin());
}

/// Notes whom the plan of a window drops; the number at the start of the run of the only survivor, if one is
/// left.
std::optional<int> apply(const LayerPlan& plan, std::size_t window, WindowShares& table) {
  for (int expert = 0; expert < plan.num_experts_before; ++expert) {
    if (std::binary_search(plan.keep.begin(), plan.keep.end(), expert)) continue;
    const auto place = place_of(table, original_of(plan, expert));
    if (!place) continue;
    const auto reason = plan.reason.find(expert);
    table.dropped[*place] = DroppedExpert{window, reason == plan.reason.end() ? "" : reason->second};
  }
  return plan.keep.size() == 1 ? std::optional(original_of(plan, plan.keep.front())) : std::nullopt;
}

WindowShares layer_shares(const RunFolder& run, int layer) {
  WindowShares table{.layer = layer, .experts = experts_of(run, layer), .shares = {}, .dropped = {}};
  table.dropped.resize(table.experts.size());
  std::optional<int> survivor;
  for (std::size_t window = 0; window < run.scores.size(); ++window) {
    std::vector<double>& row = table.shares.emplace_back(table.experts.size(), kGone);
    if (const LayerScores* scores = find_layer(run.scores[window].layers, layer)) {
      const std::vector<double> shares = shares_of(*scores);
      for (std::size_t i = 0; i < shares.size(); ++i) row[*place_of(table, scores->original[i])] = shares[i];
    } else if (survivor) {
      if (const auto place = place_of(table, *survivor)) row[*place] = 1;
    }
    if (window >= run.plans.size()) continue;
    if (const LayerPlan* plan = find_layer(run.plans[window].layers, layer)) {
      survivor = apply(*plan, window, table);
    }
  }
  return table;
}

}  // namespace

std::vector<WindowShares> window_shares(const RunFolder& run) {
  std::set<int> layers;
  for (const Scores& scores : run.scores) {
    for (const LayerScores& layer : scores.layers) layers.insert(layer.layer);
  }
  std::vector<WindowShares> tables;
  for (const int layer : layers) tables.push_back(layer_shares(run, layer));
  return tables;
}

}  // namespace espalier
