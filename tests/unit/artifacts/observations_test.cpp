#include "artifacts/observations.h"

#include <gtest/gtest.h>

#include "artifacts/observation_fields.h"
#include "base/files.h"
#include "checkpoint/checkpoint.h"
#include "small_observations.h"
#include "temporary_folder.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using fixtures::empty_observations;
using fixtures::expect_user_error;
using fixtures::small_observations;

TEST(Observations, OneTokenByHand) {
  Observations observations = empty_observations();
  const reference::RoutedToken token{{1.0, -2.0, 0.5, 3.0},
                                     {0.25, 0.25, 0.0, 0.5},
                                     {3, 0},
                                     {0.75, 0.25},
                                     {{3.0, 4.0, 0.0}, {0.0, 0.0, 2.0}}};
  fixtures::observe(observations, {token, token});
  const LayerObservations& layer = observations.layers[1];
  EXPECT_EQ(layer.tokens, 2.0);
  EXPECT_EQ(layer.routed, (std::vector<double>{2, 0, 0, 2}));
  EXPECT_EQ(layer.top1, (std::vector<double>{0, 0, 0, 2}));
  EXPECT_EQ(layer.gate_sum, (std::vector<double>{0.5, 0, 0, 1.5}));
  EXPECT_EQ(layer.top1_gate_sum, (std::vector<double>{0, 0, 0, 1.5}));
  EXPECT_EQ(layer.score_sum, (std::vector<double>{0.5, 0.5, 0, 1.0}));
  EXPECT_EQ(layer.norm_sum, (std::vector<double>{4, 0, 0, 10}));
  EXPECT_EQ(layer.norm_max, (std::vector<double>{2, 0, 0, 5}));
  EXPECT_EQ(layer.weighted_norm_sum, (std::vector<double>{1, 0, 0, 7.5}));
  EXPECT_EQ(layer.weighted_norm_max, (std::vector<double>{0.5, 0, 0, 3.75}));
  EXPECT_EQ(layer.output_sum, (std::vector<double>{0, 0, 4, 0, 0, 0, 0, 0, 0, 6, 8, 0}));
  EXPECT_EQ(layer.logit_sum, (std::vector<double>{2, -4, 1, 6}));
  EXPECT_EQ(layer.logit_product_sum,
            (std::vector<double>{2, -4, 1, 6, -4, 8, -2, -12, 1, -2, 0.5, 3, 6, -12, 3, 18}));
  EXPECT_EQ(layer.together, (std::vector<double>{2, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 2}));
  EXPECT_NEAR(layer.entropy_sum, 2 * 1.5 * std::log(2.0), 1e-12);  // half once, a quarter twice
}

TEST(Observations, MaximaStayMaximaInAMerge) {
  Observations small = empty_observations(), large = empty_observations();
  small.layers[0].norm_max[2] = 1.5;
  large.layers[0].norm_max[2] = 2.5;
  const Observations merged = merge(std::vector{large, small}, std::vector{8.0, 8.0});
  EXPECT_EQ(merged.layers[0].norm_max[2], 2.5);
}

TEST(Observations, AMergeKeepsDataExamplesAndTokenUse) {
  Observations a = small_observations(1), b = small_observations(2);
  b.token_use = {};
  b.token_use.push_back(17, 1, 2, 10);
  b.token_use.push_back(4, 3, 0, 1);
  b.hidden_dtype = "BF16";
  const Observations merged = merge(std::vector{a, b}, std::vector{1.0, 0.5});
  ASSERT_EQ(merged.data.size(), 2u);
  EXPECT_EQ(merged.data[1].seed, 2u);
  EXPECT_EQ(merged.data[1].weight, 0.5);
  ASSERT_EQ(merged.examples.size(), 2u);
  EXPECT_EQ(merged.examples[1].source, 1);
  EXPECT_EQ(merged.hidden_dtype, "mixed");
  EXPECT_EQ(merged.token_use.token, (std::vector<std::int64_t>{17, 17, 4, 5}));
  EXPECT_EQ(merged.token_use.expert, (std::vector<int>{0, 2, 0, 1}));
  EXPECT_EQ(merged.token_use.count, (std::vector<double>{3, 8, 0.5, 2}));
  EXPECT_EQ(merged.layers[0].expert_bytes, 1000u);
}

TEST(Observations, PartsOfAMergeMustFit) {
  const Observations good = small_observations();
  Observations other = good;
  other.topology_sha256 = std::string(64, 'c');
  expect_user_error(
      [&] {
        merge(std::vector{good, other}, std::vector{1.0, 1.0});
      },
      {"topology_sha256 of file 2", "of one model"});
  other = good;
  other.layers.pop_back();
  expect_user_error(
      [&] {
        merge(std::vector{good, good, other}, std::vector{1.0, 1.0, 1.0});
      },
      {"number of MoE layers of file 3 is 1, of file 1 2"});
  expect_user_error([&] { merge(std::vector{good, good}, std::vector{1.0}); }, {"1 weights for 2"});
  expect_user_error([&] { merge(std::vector{good}, std::vector{0.0}); }, {"weight 0, expected"});
  expect_user_error([&] { merge({}, {}); }, {"at least one file"});
}

TEST(ObservationsFile, WhatIsWrittenIsRead) {
  const TemporaryFolder folder;
  const Observations written = small_observations(7);
  write_observations(folder / "o.safetensors", written);
  const Observations read = read_observations(folder / "o.safetensors");
  EXPECT_EQ(read.model, "small");
  EXPECT_EQ(read.model_type, "mixtral");
  EXPECT_EQ(read.topology_sha256, written.topology_sha256);
  EXPECT_EQ(read.experts_per_token, 2);
  EXPECT_EQ(read.version, "0.0.0");
  EXPECT_EQ(read.hidden_dtype, "F32");
  ASSERT_EQ(read.data.size(), 1u);
  EXPECT_EQ(read.data[0].source, "text.txt");
  EXPECT_EQ(read.data[0].sha256, written.data[0].sha256);
  EXPECT_EQ(read.data[0].seed, 7u);
  EXPECT_EQ(read.data[0].sequence_length, 50);
  ASSERT_EQ(read.layers.size(), 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(read.layers[i].layer, written.layers[i].layer);
    EXPECT_EQ(read.layers[i].tokens, written.layers[i].tokens);
    EXPECT_EQ(read.layers[i].entropy_sum, written.layers[i].entropy_sum);
    EXPECT_EQ(read.layers[i].expert_bytes, 1000u);
    for (const ObservationField& field : observation_fields()) {
      EXPECT_EQ(read.layers[i].*field.values, written.layers[i].*field.values) << field.name;
    }
  }
  EXPECT_EQ(read.token_use.token, written.token_use.token);
  EXPECT_EQ(read.token_use.layer, written.token_use.layer);
  EXPECT_EQ(read.token_use.expert, written.token_use.expert);
  EXPECT_EQ(read.token_use.count, written.token_use.count);
  ASSERT_EQ(read.examples.size(), 1u);
  EXPECT_EQ(read.examples[0].before, "the old ");
  EXPECT_EQ(read.examples[0].position, 31);
  EXPECT_EQ(read.token_text, written.token_text);
}

TEST(ObservationsFile, TheSameObservationsGiveTheSameBytes) {
  const TemporaryFolder folder;
  write_observations(folder / "a.safetensors", small_observations(7));
  write_observations(folder / "b.safetensors", small_observations(7));
  EXPECT_EQ(read_file(folder / "a.safetensors"), read_file(folder / "b.safetensors"));
}

TEST(ObservationsFile, OtherProgramsCanReadItsTensors) {
  const TemporaryFolder folder;
  write_observations(folder / "o.safetensors", small_observations());
  const SafetensorsFile file = SafetensorsFile::open(folder / "o.safetensors");
  EXPECT_EQ(file.metadata().at("format"), "espalier.observations/1");
  const TensorView outputs = file.tensor("layers.3.output_sum");
  EXPECT_EQ(outputs.dtype, Dtype::kF64);
  EXPECT_EQ(std::vector<std::int64_t>(outputs.shape.begin(), outputs.shape.end()),
            (std::vector<std::int64_t>{4, 3}));
}

TEST(ObservationsFile, NothingIsWrittenOfWhatIsNotValid) {
  const TemporaryFolder folder;
  Observations bad = small_observations();
  bad.layers[1].norm_sum[3] = std::nan("");
  expect_user_error([&] { write_observations(folder / "o.safetensors", bad); },
                    {"layers.3.norm_sum: value 3 is nan, expected a finite number of at least 0"});
  EXPECT_FALSE(std::filesystem::exists(folder / "o.safetensors"));
}

}  // namespace
}  // namespace espalier
