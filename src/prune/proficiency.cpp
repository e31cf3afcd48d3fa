#include "prune/proficiency.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "base/error.h"

namespace espalier {
namespace {

std::int64_t routed_pairs(const ProficiencySums& sums) {
  return std::accumulate(sums.routed.begin(), sums.routed.end(), std::int64_t{0});
}

/// K: before capacity every token is routed to as many experts.
int experts_per_token(const LayerProficiency& layer) {
  const std::int64_t pairs = routed_pairs(layer.sums);
  const std::int64_t tokens = layer.sums.tokens;
  if (tokens < 1 || pairs < 1 || pairs % tokens != 0) {
    throw InternalError(fmt::format("block {}: {} routed pairs for {} tokens, expected K for each",
                                    layer.layer, pairs, tokens));
  }
  return static_cast<int>(pairs / tokens);
}

}  // namespace

void ProficiencySums::add(const ProficiencySums& other) {
  if (alpha.size() != other.alpha.size() || routed.size() != other.routed.size()) {
    throw InternalError(
        fmt::format("sums of {} experts added to those of {}", other.alpha.size(), alpha.size()));
  }
  std::transform(alpha.begin(), alpha.end(), other.alpha.begin(), alpha.begin(), std::plus<>());
  std::transform(routed.begin(), routed.end(), other.routed.begin(), routed.begin(), std::plus<>());
  tokens += other.tokens;
}

std::vector<double> ProficiencySums::scores(Proficiency criterion) const {
  std::vector<double> result(alpha);
  double total = static_cast<double>(tokens);
  if (criterion == Proficiency::kHitRate) {
    result.assign(routed.begin(), routed.end());
    total = static_cast<double>(routed_pairs(*this));
  }
  for (double& score : result) score /= total;
  return result;
}

Scores window_scores(std::span<const LayerProficiency> layers, Proficiency criterion, const WindowEnd& end) {
  Scores scores;
  scores.criterion = proficiency_name(criterion);
  scores.window = ScoreWindow{end.index, end.first_step, end.last_step};
  for (const LayerProficiency& layer : layers) {
    if (&layer == &layers.front()) scores.window->tokens = layer.sums.tokens;
    if (layer.sums.tokens != scores.window->tokens) {
      throw InternalError(fmt::format("block {} saw {} tokens, block {} {}", layer.layer, layer.sums.tokens,
                                      layers.front().layer, scores.window->tokens));
    }
    scores.experts_per_token = std::max(scores.experts_per_token.value_or(0), experts_per_token(layer));
    scores.layers.push_back({layer.layer, layer.sums.scores(criterion), layer.sums.routed, layer.original});
  }
  return scores;
}

}  // namespace espalier
