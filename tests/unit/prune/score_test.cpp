#include "prune/score.h"

#include <gtest/gtest.h>

#include <cmath>

#include "small_observations.h"
#include "temporary_folder.h"
#include "unit/arch/small_language_model.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;
using fixtures::small_observations;

/// The expert's weight tensors, widened, summed by one plain loop.
double plain_magnitude(const Checkpoint& checkpoint, const std::string& expert) {
  double sum = 0.0;
  for (const std::string_view name : checkpoint.names()) {
    if (!name.starts_with(expert)) continue;
    const TensorView tensor = checkpoint.tensor(name);
    std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
    to_float32(tensor.dtype, tensor.bytes, values);
    for (const float value : values) sum += static_cast<double>(value) * static_cast<double>(value);
  }
  return std::sqrt(sum);
}

TEST(ScoreObservations, CarriesWhatAPlanNeeds) {
  Observations observations = small_observations();
  observations.layers[0].routed[2] = 2.4;
  observations.layers[0].expert_bytes = 0;
  observations.router_groups = 2;
  observations.router_top_groups = 1;
  const Scores scores = score_observations(observations, find_criterion("reap"), 5, 42);
  EXPECT_EQ(scores.criterion, "reap");
  EXPECT_EQ(scores.experts_per_token, 2);
  EXPECT_EQ(scores.router_groups, 2);
  EXPECT_EQ(scores.router_top_groups, 1);
  EXPECT_EQ(scores.min_tokens, 5);
  EXPECT_EQ(scores.topology_sha256, observations.topology_sha256);
  EXPECT_FALSE(scores.seed);
  ASSERT_EQ(scores.layers.size(), 2u);
  EXPECT_EQ(scores.layers[1].layer, 3);
  EXPECT_EQ(scores.layers[1].original, (std::vector<int>{0, 1, 2, 3}));
  EXPECT_EQ(scores.layers[0].tokens[2], 2);
  EXPECT_EQ(seen_too_rarely(scores.layers[0], 5), (std::vector<int>{2}));
  EXPECT_FALSE(scores.layers[0].expert_bytes);
  EXPECT_EQ(scores.layers[1].expert_bytes, 1000u);
}

TEST(ScoreObservations, ANeverRoutedExpertHasNoScoreAndIsListed) {
  Observations observations = fixtures::empty_observations();
  observations.layers[0].tokens = 3;
  observations.layers[0].routed = {3, 0, 3, 0};
  const Scores scores = score_observations(observations, find_criterion("ean_mean"), 0, 42);
  EXPECT_EQ(scores.layers[0].scores[0], 0.0);
  EXPECT_TRUE(std::isnan(scores.layers[0].scores[1]));
  EXPECT_EQ(never_routed(scores.layers[0]), (std::vector<int>{1, 3}));
  EXPECT_EQ(scores_from_json(scores_to_json(scores), "f").layers[0].tokens, scores.layers[0].tokens);
}

TEST(ScoreObservations, RandomNeedsOnlyTheSeed) {
  const Scores scores = score_observations(small_observations(1), find_criterion("random"), 0, 9);
  EXPECT_EQ(scores.seed, 9u);
  EXPECT_EQ(scores.layers[0].scores,
            score_observations(small_observations(2), find_criterion("random"), 0, 9).layers[0].scores);
  expect_user_error([] { score_observations(small_observations(), find_criterion("magnitude"), 0, 9); },
                    {"magnitude needs the model", "name the model's folder"});
}

TEST(ScoreCheckpoint, FamiliesAndStoragesAgreeWithAPlainLoop) {
  const TemporaryFolder folder;
  for (const std::string type : {"mixtral", "qwen3_moe", "deepseek_v3"}) {
    SCOPED_TRACE(type);
    const Checkpoint checkpoint =
        fixtures::store_small(folder / type, type, fixtures::SmallStorage::kPublished, 2);
    const Scores scores = score_checkpoint(checkpoint, nullptr, find_criterion("magnitude"), 0, {});
    EXPECT_EQ(scores.experts_per_token, 2);
    const LayerScores& layer = scores.layers.back();
    EXPECT_EQ(layer.layer, 2) << "the multi-token-prediction layer of deepseek_v3 has no scores";
    EXPECT_TRUE(layer.tokens.empty());
    const std::string moe = type == "mixtral" ? "block_sparse_moe" : "mlp";
    for (int e = 0; e < 8; ++e) {
      const std::string expert = "model.layers.2." + moe + ".experts." + std::to_string(e) + ".";
      EXPECT_NEAR(layer.scores[static_cast<std::size_t>(e)], plain_magnitude(checkpoint, expert), 1e-12);
    }
    EXPECT_EQ(layer.expert_bytes, 2u * (3 * 4 * 6 + 4) + (type == "deepseek_v3" ? 4 : 0));
  }
}

TEST(ScoreCheckpoint, OneExpertsWeightsInAStackedTensor) {
  const TemporaryFolder folder;
  const Checkpoint checkpoint = fixtures::store_small(folder.path(), "granitemoe");
  const Scores scores = score_checkpoint(checkpoint, nullptr, find_criterion("magnitude"), 0, {});
  const TensorView up = checkpoint.tensor("model.layers.0.block_sparse_moe.input_linear.weight");
  const TensorView down = checkpoint.tensor("model.layers.0.block_sparse_moe.output_linear.weight");
  double all = 0.0, of_experts = 0.0;
  for (const TensorView& tensor : {up, down}) {
    std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
    to_float32(tensor.dtype, tensor.bytes, values);
    for (const float value : values) all += static_cast<double>(value) * static_cast<double>(value);
  }
  for (const double score : scores.layers[0].scores) of_experts += score * score;
  EXPECT_NEAR(of_experts, all, 1e-9);
}

TEST(ScoreCheckpoint, AModelAgainstItselfHasNotChanged) {
  const TemporaryFolder folder;
  const Checkpoint checkpoint = fixtures::store_small(folder.path(), "mixtral");
  const Criterion& change = find_criterion("router_norm_change");
  const Scores scores = score_checkpoint(checkpoint, &checkpoint, change, 0, {});
  EXPECT_EQ(scores.criterion, "router_norm_change");
  for (const double score : scores.layers[1].scores) EXPECT_EQ(score, 0.0);
  const Scores alone = score_checkpoint(checkpoint, nullptr, change, 0, {});
  EXPECT_EQ(alone.criterion, "router_norm");
  EXPECT_GT(alone.layers[1].scores[0], 0.0);
}

TEST(ScoreCheckpoint, WhatCannotBeScoredIsAUserError) {
  const TemporaryFolder folder;
  const Checkpoint mixtral = fixtures::store_small(folder / "mixtral", "mixtral");
  const Checkpoint qwen = fixtures::store_small(folder / "qwen", "qwen2_moe");
  const Checkpoint packed = fixtures::store_small(folder / "gpt_oss", "gpt_oss");
  const auto score = [](const Checkpoint& model, const Checkpoint* before, const char* name) {
    return [&model, before, name] { score_checkpoint(model, before, find_criterion(name), 0, {}); };
  };
  expect_user_error(score(mixtral, nullptr, "reap"), {"reap needs observations", "espalier observe"});
  expect_user_error(score(mixtral, &qwen, "router_norm_change"),
                    {"block 1 has 0 experts", "the model has 8"});
  expect_user_error(score(mixtral, &mixtral, "magnitude"), {"looks at one model"});
  EXPECT_EQ(score_checkpoint(packed, nullptr, find_criterion("magnitude"), 0, {}).layers.size(), 3u);
  EXPECT_EQ(score_checkpoint(packed, nullptr, find_criterion("router_norm"), 0, {}).layers.size(), 3u);
}

TEST(ModelFacts, AreAddedToScoresOfTheSameModel) {
  const TemporaryFolder folder;
  const Checkpoint checkpoint = fixtures::store_small(folder / "mixtral", "mixtral");
  const Checkpoint other = fixtures::store_small(folder / "qwen", "qwen3_moe");
  const Scores full = score_checkpoint(checkpoint, nullptr, find_criterion("random"), 0, {});
  Scores bare = full;
  bare.experts_per_token.reset();
  bare.topology_sha256.reset();
  for (LayerScores& layer : bare.layers) layer.expert_bytes.reset();
  add_model_facts(bare, checkpoint);
  EXPECT_EQ(scores_to_json(bare), scores_to_json(full));
  expect_user_error([&] { add_model_facts(bare, other); }, {"the scores are of another model"});
}

}  // namespace
}  // namespace espalier
