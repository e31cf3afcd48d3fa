#include "prune/global_drops.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "base/error.h"
#include "prune/keep_sizes.h"

namespace espalier {
namespace {

std::int64_t experts_in(const std::vector<LayerCandidates>& layers) {
  std::int64_t sum = 0;
  for (const LayerCandidates& layer : layers) sum += layer.experts();
  return sum;
}

/// The t-th worst droppable expert of each group of a layer: what goes together.
struct Tier {
  double value = 0.0;  ///< mean of the relative scores; -1 for one that is NaN, so before all others
  std::size_t layer = 0;
  int place = 0;  ///< t
};

/// All tiers that may go, in the order in which they go. Equal values: the later layer first.
std::vector<Tier> tiers_of(const std::vector<LayerCandidates>& layers) {
  std::vector<Tier> tiers;
  for (std::size_t l = 0; l < layers.size(); ++l) {
    const LayerCandidates& layer = layers[l];
    const std::vector<double> relative = relative_scores(*layer.scores);
    for (int place = 0; place < layer.group_size - layer.least(); ++place) {
      double sum = 0.0;
      for (const std::vector<int>& group : layer.droppable) {
        const double score = relative[static_cast<std::size_t>(group[static_cast<std::size_t>(place)])];
        sum += std::isnan(score) ? -1.0 : score;
      }
      tiers.push_back({sum / layer.groups, l, place});
    }
  }
  std::sort(tiers.begin(), tiers.end(), [](const Tier& a, const Tier& b) {
    return std::tuple(a.value, b.layer, a.place) < std::tuple(b.value, a.layer, b.place);
  });
  return tiers;
}

std::int64_t kept_in_all(const std::vector<LayerCandidates>& layers, const OneShotRule& rule) {
  if (const auto* part = std::get_if<KeepFraction>(&rule.keep))
    return part_of(part->fraction, experts_in(layers));
  std::int64_t sum = 0;
  for (const LayerCandidates& layer : layers) {
    sum += std::min<std::int64_t>(std::get<KeepCount>(rule.keep).count, layer.experts());
  }
  return sum;
}

std::vector<int> group_sizes(const std::vector<LayerCandidates>& layers) {
  std::vector<int> sizes;
  for (const LayerCandidates& layer : layers) sizes.push_back(layer.group_size);
  return sizes;
}

[[noreturn]] void cannot_reach(std::int64_t target, std::int64_t kept) {
  throw UserError(
      fmt::format(
          "--keep: {} experts in all are to stay, but {} must: those a token visits in each layer and "
          "those that are protected",
          target, kept),
      "keep more, lower --experts-per-token, or protect fewer");
}

}  // namespace

std::vector<double> relative_scores(const LayerScores& layer) {
  double sum = 0.0;
  std::size_t known = 0;
  for (const double score : layer.scores) {
    if (std::isnan(score)) continue;
    if (score < 0) {
      throw UserError(
          fmt::format("global budget: block {} has a score of {}: scores divided by their layer's "
                      "mean must not be negative",
                      layer.layer, score),
          "rank each layer on its own: --budget per_layer");
    }
    sum += score;
    ++known;
  }
  if (known > 0 && !(sum > 0)) {
    throw UserError(fmt::format("global budget: the scores of block {} are all 0", layer.layer),
                    "rank each layer on its own: --budget per_layer");
  }
  std::vector<double> relative = layer.scores;
  for (double& score : relative) score /= sum / static_cast<double>(known);
  return relative;
}

std::vector<int> global_drops(const std::vector<LayerCandidates>& layers, const Scores& scores,
                              const OneShotRule& rule) {
  const auto* bytes = std::get_if<KeepBytes>(&rule.keep);
  const std::int64_t target = bytes != nullptr ? 0 : kept_in_all(layers, rule);
  std::int64_t kept = experts_in(layers);
  std::uint64_t taken = bytes == nullptr ? 0 : bytes_kept(layers, scores, group_sizes(layers));
  const auto may_go = [&](int experts) {
    return bytes != nullptr ? taken > bytes->bytes : kept - experts >= target;
  };
  std::vector<int> drops(layers.size(), 0);
  for (const Tier& tier : tiers_of(layers)) {
    const LayerCandidates& layer = layers[tier.layer];
    if (!may_go(layer.groups)) return drops;
    ++drops[tier.layer];
    kept -= layer.groups;
    if (bytes != nullptr) taken -= static_cast<std::uint64_t>(layer.groups) * expert_bytes(*layer.scores);
  }
  if (!may_go(layers.front().groups)) return drops;
  if (bytes != nullptr) too_few_bytes(bytes->bytes, taken);
  cannot_reach(target, kept);
}

}  // namespace espalier
