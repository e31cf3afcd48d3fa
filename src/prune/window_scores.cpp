#include "prune/window_scores.h"

#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "base/error.h"

namespace espalier {
namespace {

std::vector<double> raw_scores(const LayerWindow& window, const Criterion& criterion, std::uint64_t seed) {
  const LayerObservations& sums = window.sums;
  if (criterion.input == CriterionInput::kWeights) return window.weights;
  if (criterion.input == CriterionInput::kSeed) return criterion.drawn({sums.layer, sums.experts(), seed});
  std::vector<double> scores = criterion.observed(sums);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    // Sums that are no numbers stay what they are: training has diverged.
    const bool unseen = sums.routed[i] == 0 && std::isfinite(sums.score_sum[i]);
    if (std::isnan(scores[i]) && unseen) scores[i] = 0.0;
  }
  return scores;
}

void divide_by_sum(std::vector<double>& scores) {
  const double sum = std::accumulate(scores.begin(), scores.end(), 0.0);
  if (!std::isfinite(sum) || sum == 0) return;
  for (double& score : scores) score /= sum;
}

void expect_same_tokens(const LayerObservations& layer, const LayerObservations& first) {
  if (layer.tokens >= 1 && layer.tokens == first.tokens) return;
  throw InternalError(fmt::format("block {} saw {} tokens, block {} {}", layer.layer, layer.tokens,
                                  first.layer, first.tokens));
}

}  // namespace

Scores window_scores(std::span<const LayerWindow> layers, const Criterion& criterion, const WindowEnd& end,
                     int experts_per_token, std::uint64_t seed) {
  Scores scores;
  scores.criterion = criterion.name;
  scores.window = ScoreWindow{end.index, end.first_step, end.last_step};
  scores.experts_per_token = experts_per_token;
  if (criterion.input == CriterionInput::kSeed) scores.seed = seed;
  for (const LayerWindow& window : layers) {
    const LayerObservations& sums = window.sums;
    expect_same_tokens(sums, layers.front().sums);
    scores.window->tokens = std::llround(sums.tokens);
    LayerScores layer{sums.layer, raw_scores(window, criterion, seed), {}, window.original};
    if (criterion.scale == ScoreScale::kPositive) divide_by_sum(layer.scores);
    for (const double pairs : sums.routed) layer.tokens.push_back(std::llround(pairs));
    scores.layers.push_back(std::move(layer));
  }
  return scores;
}

}  // namespace espalier
