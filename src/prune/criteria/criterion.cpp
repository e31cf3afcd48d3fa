#include "prune/criteria/criterion.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/nearest.h"
#include "prune/criteria/activation.h"
#include "prune/criteria/routing.h"
#include "prune/criteria/weights.h"

namespace espalier {
namespace {

constexpr Criterion kCriteria[] = {
    {.name = "frequency", .definition = "tokens routed to the expert", .observed = frequency},
    {.name = "hit_rate",
     .definition = "its share of the (token, slot) pairs",
     .scale = ScoreScale::kShares,
     .observed = hit_rate},
    {.name = "mean_gate", .definition = "sum of its gates, divided by all tokens", .observed = mean_gate},
    {.name = "alpha",
     .definition = "mean over all tokens of the router's softmax",
     .scale = ScoreScale::kShares,
     .observed = alpha},
    {.name = "importance",
     .definition = "share of tokens it is best for, times exp(mean gate over them)",
     .observed = importance},
    {.name = "ean_sum",
     .definition = "sum of the norms of its outputs",
     .input = CriterionInput::kOutputs,
     .observed = ean_sum},
    {.name = "ean_mean",
     .definition = "mean norm of its outputs",
     .input = CriterionInput::kOutputs,
     .observed = ean_mean},
    {.name = "reap",
     .definition = "mean of gate times the norm of its output",
     .input = CriterionInput::kOutputs,
     .observed = reap},
    {.name = "router_norm",
     .definition = "norm of its row in the router",
     .input = CriterionInput::kWeights,
     .weights = router_norm},
    {.name = "router_norm_change",
     .definition = "change of that norm since --reference",
     .input = CriterionInput::kWeights,
     .scale = ScoreScale::kSigned,
     .weights = router_norm,
     .compares = true,
     .without_reference = "router_norm"},
    {.name = "neuron_change",
     .definition = "mean change of its neurons' norms since --reference",
     .input = CriterionInput::kWeights,
     .scale = ScoreScale::kSigned,
     .weights = neuron_norm,
     .compares = true},
    {.name = "magnitude",
     .definition = "norm of all its weights",
     .input = CriterionInput::kWeights,
     .weights = magnitude},
    {.name = "random",
     .definition = "a permutation drawn from --seed",
     .input = CriterionInput::kSeed,
     .drawn = random_order},
};

}  // namespace

std::span<const Criterion> criteria() {
  return kCriteria;
}

const Criterion& find_criterion(std::string_view name) {
  return find_named(criteria(), "criterion", name);
}

std::vector<double> weight_scores(const Criterion& criterion, const LayerWeights& layer,
                                  std::span<const double> before) {
  std::vector<double> scores = criterion.weights(layer);
  if (!criterion.compares) return scores;
  if (before.empty())
    throw UserError(fmt::format("{} needs the model before fine-tuning", criterion.name),
                    "name it with --reference");
  if (before.size() != scores.size())
    throw InternalError(fmt::format("{} experts compared with {}", scores.size(), before.size()));
  for (std::size_t i = 0; i < scores.size(); ++i) scores[i] -= before[i];
  return scores;
}

}  // namespace espalier
