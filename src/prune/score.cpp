#include "prune/score.h"

#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "arch/described_model.h"
#include "base/error.h"
#include "prune/criteria/stored_weights.h"

namespace espalier {
namespace {

LayerScores layer_scores(int layer, std::vector<double> values) {
  LayerScores scores;
  scores.layer = layer;
  scores.scores = std::move(values);
  scores.original.resize(scores.scores.size());
  std::iota(scores.original.begin(), scores.original.end(), 0);
  return scores;
}

/// The same layer of the model before fine-tuning.
const MoeLayerTensors& layer_before(const Topology& topology, const MoeLayerTensors& layer,
                                    const Checkpoint& reference) {
  const MoeLayerTensors* found = topology.find(layer.layer);
  const std::int64_t experts = found == nullptr ? 0 : found->num_experts;
  if (experts == layer.num_experts &&
      found->router_parameters_per_expert == layer.router_parameters_per_expert) {
    return *found;
  }
  throw UserError(fmt::format("{}: block {} has {} experts of width {}, the model has {} of width {}",
                              reference.folder().string(), layer.layer, experts,
                              found == nullptr ? 0 : found->router_parameters_per_expert, layer.num_experts,
                              layer.router_parameters_per_expert),
                  "name the model that was fine-tuned, as it was before");
}

void expect_norms(const LayerScores& layer, const Checkpoint& checkpoint) {
  for (std::size_t i = 0; i < layer.scores.size(); ++i) {
    if (std::isfinite(layer.scores[i])) continue;
    throw UserError(fmt::format("{}: block {}: the score of expert {} is {}", checkpoint.folder().string(),
                                layer.layer, i, layer.scores[i]),
                    "a weight is not a finite number: the file is damaged or training diverged");
  }
}

Scores scores_of(const Topology& topology, std::string_view criterion) {
  Scores scores;
  scores.criterion = criterion;
  scores.experts_per_token = static_cast<int>(topology.experts_per_token);
  scores.router_groups = static_cast<int>(topology.groups);
  scores.router_top_groups = static_cast<int>(topology.top_groups);
  scores.topology_sha256 = topology.sha256;
  return scores;
}

/// What stands in for a criterion where there is nothing to compare with.
const Criterion& resolve(const Criterion& criterion, const Checkpoint* reference) {
  if (criterion.input == CriterionInput::kRouting || criterion.input == CriterionInput::kOutputs) {
    throw UserError(fmt::format("the criterion {} needs observations, this is a model", criterion.name),
                    "run `espalier observe MODEL` first, or score by router_norm, magnitude or random");
  }
  if (reference != nullptr && !criterion.compares) {
    throw UserError(
        fmt::format("the criterion {} looks at one model, --reference names a second", criterion.name),
        "router_norm_change and neuron_change compare two");
  }
  const bool alone = criterion.compares && reference == nullptr && !criterion.without_reference.empty();
  return alone ? find_criterion(criterion.without_reference) : criterion;
}

}  // namespace

Scores score_observations(const Observations& observations, const Criterion& criterion,
                          std::int64_t min_tokens, std::uint64_t seed) {
  if (criterion.input == CriterionInput::kWeights) {
    throw UserError(fmt::format("the criterion {} needs the model, these are observations", criterion.name),
                    "name the model's folder");
  }
  Scores scores;
  scores.criterion = criterion.name;
  scores.experts_per_token = observations.experts_per_token;
  scores.router_groups = observations.router_groups;
  scores.router_top_groups = observations.router_top_groups;
  scores.min_tokens = min_tokens;
  scores.topology_sha256 = observations.topology_sha256;
  if (criterion.input == CriterionInput::kSeed) scores.seed = seed;
  for (const LayerObservations& layer : observations.layers) {
    scores.layers.push_back(
        layer_scores(layer.layer, criterion.input == CriterionInput::kSeed
                                      ? criterion.drawn({layer.layer, layer.experts(), seed})
                                      : criterion.observed(layer)));
    for (const double pairs : layer.routed) scores.layers.back().tokens.push_back(std::llround(pairs));
    if (layer.expert_bytes > 0) scores.layers.back().expert_bytes = layer.expert_bytes;
  }
  return scores;
}

Scores score_checkpoint(const Checkpoint& checkpoint, const Checkpoint* reference, const Criterion& asked,
                        std::uint64_t seed, const ProgressSink& progress) {
  const Criterion& criterion = resolve(asked, reference);
  const Topology topology = topology_with_experts(checkpoint);
  const Topology before = reference == nullptr ? Topology{} : topology_with_experts(*reference);
  Scores scores = scores_of(topology, criterion.name);
  if (criterion.input == CriterionInput::kSeed) scores.seed = seed;
  for (const MoeLayerTensors& layer : topology.layers) {
    if (layer.kind == MoeLayerKind::kNextToken) continue;
    if (progress) progress({"scoring", scores.layers.size(), topology.layers.size(), "layers"});
    const int number = static_cast<int>(layer.layer);
    std::vector<double> before_values;
    if (reference != nullptr)
      before_values = criterion.weights(StoredWeights(*reference, layer_before(before, layer, *reference)));
    scores.layers.push_back(layer_scores(
        number, criterion.input == CriterionInput::kSeed
                    ? criterion.drawn({number, static_cast<std::size_t>(layer.num_experts), seed})
                    : weight_scores(criterion, StoredWeights(checkpoint, layer), before_values)));
    expect_norms(scores.layers.back(), checkpoint);
    scores.layers.back().expert_bytes = bytes_per_expert(checkpoint, layer);
  }
  return scores;
}

std::map<int, std::vector<double>> reference_values(const Checkpoint& reference, const Criterion& criterion) {
  const Topology topology = topology_with_experts(reference);
  std::map<int, std::vector<double>> values;
  for (const MoeLayerTensors& layer : topology.layers)
    if (layer.kind != MoeLayerKind::kNextToken)
      values[static_cast<int>(layer.layer)] = criterion.weights(StoredWeights(reference, layer));
  return values;
}

Topology topology_with_experts(const Checkpoint& checkpoint) {
  Topology topology = arch::describe(checkpoint).topology;
  if (topology.layers.empty()) {
    throw UserError(fmt::format("{}: the model has no experts", checkpoint.folder().string()),
                    "name a Mixture-of-Experts model (`espalier inspect` shows what a folder holds)");
  }
  return topology;
}

void add_model_facts(Scores& scores, const Checkpoint& checkpoint) {
  const Topology topology = topology_with_experts(checkpoint);
  const std::string folder = checkpoint.folder().string();
  if (scores.topology_sha256.value_or(topology.sha256) != topology.sha256) {
    throw UserError(fmt::format("{}: the scores are of another model", folder),
                    "experts, their tensors or their shapes differ; name the model that was scored");
  }
  if (!scores.topology_sha256) {
    scores.experts_per_token = static_cast<int>(topology.experts_per_token);
    scores.router_groups = static_cast<int>(topology.groups);
    scores.router_top_groups = static_cast<int>(topology.top_groups);
    scores.topology_sha256 = topology.sha256;
  }
  for (LayerScores& layer : scores.layers) {
    const MoeLayerTensors* found = topology.find(layer.layer);
    const std::int64_t experts = found == nullptr ? 0 : found->num_experts;
    if (experts != static_cast<std::int64_t>(layer.scores.size())) {
      throw UserError(fmt::format("{}: block {} has {} experts, the scores are of {}", folder, layer.layer,
                                  experts, layer.scores.size()),
                      "name the model that was scored");
    }
    layer.expert_bytes = bytes_per_expert(checkpoint, *found);
  }
}

}  // namespace espalier
