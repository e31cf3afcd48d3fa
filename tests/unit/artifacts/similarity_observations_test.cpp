// Observations with similarity: written, read and merged without a loss.
#include <gtest/gtest.h>

#include "artifacts/observations.h"
#include "small_observations.h"
#include "temporary_folder.h"
#include "unit/base/user_error.h"
#include "unit/prune/token_samples.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;
using fixtures::small_observations;

/// A run over random tokens whose outputs are whole numbers, so that sums are exact in any order.
struct RandomRun {
  reference::Outputs outputs;
  fixtures::Rows logits, gates;
};

RandomRun random_run(std::uint64_t seed, std::size_t N) {
  constexpr std::size_t E = fixtures::kObservedExperts, D = fixtures::kObservedWidth;
  Rng rng(seed);
  RandomRun run;
  run.outputs.assign(E, std::vector<std::vector<double>>(N, std::vector<double>(D)));
  for (auto& expert : run.outputs)
    for (auto& token : expert)
      for (double& value : token) value = static_cast<double>(rng.below(9)) - 4;
  for (std::size_t n = 0; n < N; ++n) {
    run.logits.emplace_back();
    for (std::size_t e = 0; e < E; ++e) run.logits.back().push_back(static_cast<double>(rng.below(8)));
    run.gates.push_back({0.75, 0, 0.25, 0});
  }
  return run;
}

Observations observed(const RandomRun& run) {
  Observations observations = small_observations();
  observations.router = RouterConfig{.score = GateScore::kSigmoid,
                                     .normalise = false,
                                     .scale = 2.5,
                                     .groups = 2,
                                     .group_score = GroupScore::kSumOfTwoBest,
                                     .correction_bias = true};
  for (LayerObservations& layer : observations.layers) {
    layer.every_expert = reference::moments_of(run.outputs);
    layer.samples = fixtures::samples_of(run.outputs, run.logits, run.gates);
    layer.correction_bias = {0.5F, -1, 0, 2};
  }
  return observations;
}

RandomRun joined(const RandomRun& a, const RandomRun& b) {
  RandomRun both = a;
  for (std::size_t e = 0; e < both.outputs.size(); ++e)
    both.outputs[e].insert(both.outputs[e].end(), b.outputs[e].begin(), b.outputs[e].end());
  both.logits.insert(both.logits.end(), b.logits.begin(), b.logits.end());
  both.gates.insert(both.gates.end(), b.gates.begin(), b.gates.end());
  return both;
}

void expect_same(const LayerObservations& a, const LayerObservations& b) {
  ASSERT_EQ(a.every_expert.has_value(), b.every_expert.has_value());
  if (a.every_expert) {
    EXPECT_EQ(a.every_expert->inputs, b.every_expert->inputs);
    EXPECT_EQ(a.every_expert->projected, b.every_expert->projected);
    for (const MomentField& field : moment_fields())
      EXPECT_EQ((*a.every_expert).*field.values, (*b.every_expert).*field.values) << field.name;
  }
  ASSERT_EQ(a.samples.has_value(), b.samples.has_value());
  if (a.samples) {
    EXPECT_EQ(a.samples->weight, b.samples->weight);
    EXPECT_EQ(a.samples->logits, b.samples->logits);
    EXPECT_EQ(a.samples->gates, b.samples->gates);
    EXPECT_EQ(a.samples->products, b.samples->products);
  }
  EXPECT_EQ(a.weight_cosine, b.weight_cosine);
  EXPECT_EQ(a.correction_bias, b.correction_bias);
}

TEST(SimilarityInObservations, ComesBackAsItWasWritten) {
  const TemporaryFolder folder;
  Observations observations = observed(random_run(1, 20));
  observations.layers[1].probes = reference::moments_of(random_run(2, 5).outputs);
  observations.layers[1].probes->seed = 7;
  observations.layers[0].weight_cosine.assign(16, 0.5);
  write_observations(folder / "o.safetensors", observations);
  const Observations read = read_observations(folder / "o.safetensors");
  for (std::size_t i = 0; i < 2; ++i) expect_same(read.layers[i], observations.layers[i]);
  ASSERT_TRUE(read.layers[1].probes);
  EXPECT_EQ(read.layers[1].probes->seed, 7u);
  EXPECT_EQ(read.layers[1].probes->cross_moment, observations.layers[1].probes->cross_moment);
  ASSERT_TRUE(read.router);
  EXPECT_EQ(read.router->score, GateScore::kSigmoid);
  EXPECT_EQ(read.router->group_score, GroupScore::kSumOfTwoBest);
  EXPECT_EQ(read.router->scale, 2.5);
  EXPECT_FALSE(read.router->normalise);
  EXPECT_TRUE(read.router->correction_bias);
}

TEST(SimilarityInObservations, TheMergeOfTwoRunsIsTheRunOverBoth) {
  const RandomRun a = random_run(3, 11), b = random_run(4, 17);
  const Observations merged = merge(std::vector{observed(a), observed(b)}, std::vector{1.0, 1.0});
  const Observations both = observed(joined(a, b));
  for (std::size_t i = 0; i < 2; ++i) expect_same(merged.layers[i], both.layers[i]);
  const Observations twice = merge(std::vector{observed(a), observed(b)}, std::vector{2.0, 1.0});
  EXPECT_EQ(twice.layers[0].every_expert->inputs, 2 * 11 + 17);
  EXPECT_EQ(twice.layers[0].samples->weight.front(), 2.0);
}

TEST(SimilarityInObservations, WhatNotAllTokensHaveIsLeftOutOfAMerge) {
  Observations with = observed(random_run(3, 11)), without = small_observations(),
               weights = small_observations();
  const auto merged = merge(std::vector{with, without}, std::vector{1.0, 1.0});
  EXPECT_FALSE(merged.layers[0].every_expert);
  EXPECT_FALSE(merged.layers[0].samples);
  for (LayerObservations& layer : weights.layers) {
    layer = LayerObservations(layer.layer, layer.experts(), layer.width());
    layer.weight_cosine.assign(16, 0.5);
  }
  const auto joined_with_weights = merge(std::vector{with, weights}, std::vector{1.0, 1.0});
  EXPECT_TRUE(joined_with_weights.layers[0].every_expert) << "a file without tokens takes nothing away";
  EXPECT_EQ(joined_with_weights.layers[0].weight_cosine.size(), 16u);
  Observations other = with;
  for (LayerObservations& layer : other.layers) layer.every_expert->seed = 9;
  EXPECT_FALSE(merge(std::vector{with, other}, std::vector{1.0, 1.0}).layers[0].every_expert)
      << "projected by another matrix";
}

TEST(SimilarityInObservations, DamageIsNamed) {
  const TemporaryFolder folder;
  const auto write = [&](auto damage) {
    Observations observations = observed(random_run(1, 20));
    damage(observations.layers[1]);
    write_observations(folder / "o.safetensors", observations);
  };
  expect_user_error([&] { write([](auto& layer) { layer.every_expert->cross_moment[3] = NAN; }); },
                    {"layers.3.every_expert.cross_moment: value 3 is nan"});
  expect_user_error([&] { write([](auto& layer) { layer.every_expert->output_sum.pop_back(); }); },
                    {"layers.3.every_expert.output_sum: 11 values, expected 12"});
  expect_user_error([&] { write([](auto& layer) { layer.samples->products.push_back(1); }); },
                    {"layers.3.samples.products: 201 values, expected 200"});
  expect_user_error([&] { write([](auto& layer) { layer.samples->gates[0] = NAN; }); },
                    {"layers.3.samples.gates: value 0 is nan"});
  expect_user_error([&] { write([](auto& layer) { layer.weight_cosine = {1}; }); },
                    {"layers.3.weight_cosine: 1 values, expected 16"});
}

}  // namespace
}  // namespace espalier
