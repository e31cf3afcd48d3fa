// config.json of decoders: what each field comes to.

#include <gtest/gtest.h>

#include <cmath>

#include "arch/family.h"
#include "base/json.h"
#include "paths.h"

namespace espalier::arch {
namespace {

using nlohmann::json;

json golden_config(const std::string& folder) {
  return read_json(std::filesystem::path(source_dir()) / "tests/golden" / folder / "config.json");
}

ModelSpec golden(const std::string& folder) {
  return read_spec(golden_config(folder), "config.json");
}

const GroupedAttention& grouped(const ModelSpec& spec, std::int64_t layer = 0) {
  return std::get<GroupedAttention>(spec.block(layer).mixer);
}

const LatentAttention& latent(const ModelSpec& spec) {
  return std::get<LatentAttention>(spec.block(0).mixer);
}

using Counts = std::vector<std::int64_t>;

/// Experts of each block; 0: a plain network.
Counts experts(const ModelSpec& spec) {
  Counts counts;
  for (const BlockSpec& block : spec.blocks) counts.push_back(block.experts());
  return counts;
}

Counts windows(const ModelSpec& spec) {
  Counts windows;
  for (std::int64_t layer = 0; layer < spec.layers(); ++layer) windows.push_back(grouped(spec, layer).window);
  return windows;
}

TEST(DecoderSpec, Mixtral) {
  const ModelSpec spec = golden("mixtral");
  EXPECT_EQ(spec.family, "mixtral");
  EXPECT_EQ(spec.text().vocabulary, 320);
  EXPECT_EQ(spec.width, 64);
  EXPECT_EQ(grouped(spec).heads, 4);
  EXPECT_EQ(grouped(spec).key_value_heads, 2);
  EXPECT_EQ(grouped(spec).key_width, 16);
  EXPECT_EQ(spec.block(0).norm.epsilon, 1e-5);
  EXPECT_EQ(grouped(spec).rotary->theta, 1e6);
  EXPECT_EQ(grouped(spec).rotary->pairs, RotaryPairs::kHalves);
  EXPECT_EQ(windows(spec), (Counts{0, 0, 0}));
  EXPECT_EQ(first_moe(spec)->expert.width, 72);
  EXPECT_EQ(experts(spec), (Counts{8, 8, 8}));
  EXPECT_FALSE(first_moe(spec)->shared);
  EXPECT_EQ(routing_rule(spec).experts_per_token, 2);
  EXPECT_TRUE(routing_rule(spec).normalise);
  EXPECT_EQ(spec.text().bos_token, 1);
  EXPECT_EQ(spec.text().eos_token, 2);
}

TEST(DecoderSpec, QwensHaveDenseBlocksByStepAndByList) {
  EXPECT_EQ(experts(golden("qwen2-moe-dense-layers")), (Counts{0, 8, 0, 8}));
  json fields = golden_config("qwen2-moe");
  fields["mlp_only_layers"] = {1};
  const ModelSpec spec = read_spec(fields, "config.json");
  EXPECT_EQ(experts(spec), (Counts{8, 0, 8}));
  EXPECT_TRUE(grouped(spec).query_key_value_bias);
  EXPECT_FALSE(grouped(spec).output_bias);
  EXPECT_TRUE(first_moe(spec)->shared->gated);
  EXPECT_EQ(first_moe(spec)->shared->network.width, 96);
  EXPECT_FALSE(routing_rule(spec).normalise);
  EXPECT_EQ(windows(spec), (Counts{0, 0, 0})) << "sliding_window counts only with use_sliding_window";
}

TEST(DecoderSpec, SlidingWindows) {
  json fields = golden_config("qwen2-moe");
  fields["use_sliding_window"] = true;
  fields["sliding_window"] = 16;
  fields["max_window_layers"] = 2;
  EXPECT_EQ(windows(read_spec(fields, "config.json")), (Counts{0, 0, 16}));
  fields["layer_types"] = {"sliding_attention", "full_attention", "full_attention"};
  EXPECT_EQ(windows(read_spec(fields, "config.json")), (Counts{16, 0, 0}));
  fields = golden_config("mixtral");
  fields["sliding_window"] = 4096;
  EXPECT_EQ(windows(read_spec(fields, "config.json")), (Counts{4096, 4096, 4096}));
}

TEST(DecoderSpec, Qwen3HasHeadsOfTheirOwnWidthAndNormsOfEach) {
  const ModelSpec spec = golden("qwen3-moe");
  EXPECT_EQ(grouped(spec).key_width, 24);
  EXPECT_EQ(grouped(spec).query_key_norm, QueryKeyNorm::kPerHead);
  EXPECT_TRUE(routing_rule(spec).normalise);
}

TEST(DecoderSpec, OlmoesDefaults) {
  const ModelSpec spec = golden("olmoe");
  EXPECT_EQ(spec.block(0).norm.epsilon, 1e-5) << "the family's default";
  EXPECT_EQ(grouped(spec).query_key_norm, QueryKeyNorm::kAllHeads);
  EXPECT_EQ(first_moe(spec)->expert.width, 56);
  EXPECT_EQ(grouped(spec).clip, std::nullopt);
}

TEST(DecoderSpec, DeepSeeksFirstBlockIsDense) {
  const ModelSpec spec = golden("deepseek-v1");
  EXPECT_EQ(experts(spec), (Counts{0, 8, 8}));
  EXPECT_EQ(std::get<FeedForward>(spec.block(0).feed_forward).width, 176);
  EXPECT_EQ(first_moe(spec)->shared->network.width, 112);
  EXPECT_TRUE(std::holds_alternative<GroupedAttention>(spec.block(0).mixer));
}

TEST(DecoderSpec, DeepSeekV2) {
  const ModelSpec lite = golden("deepseek-v2-lite");
  EXPECT_EQ(latent(lite).query_rank, std::nullopt);
  EXPECT_EQ(latent(lite).key_value_rank, 32);
  EXPECT_EQ(latent(lite).key_width(), 32);
  EXPECT_EQ(latent(lite).rotary.pairs, RotaryPairs::kNeighbours);
  EXPECT_EQ(latent(lite).rotary.yarn->factor, 40);
  EXPECT_EQ(latent(lite).rotary.yarn->original_positions, 128);
  EXPECT_DOUBLE_EQ(yarn_amplitude(*latent(lite).rotary.yarn), 1.0) << "mscale and mscale_all_dim are equal";
  EXPECT_EQ(routing_rule(lite).groups, 1);

  const ModelSpec spec = golden("deepseek-v2");
  EXPECT_EQ(latent(spec).query_rank, 40);
  EXPECT_EQ(routing_rule(spec).groups, 4);
  EXPECT_EQ(routing_rule(spec).top_groups, 2);
  EXPECT_EQ(routing_rule(spec).group_score, GroupScore::kMax);
  EXPECT_EQ(routing_rule(spec).scale, 4.0);
}

TEST(DecoderSpec, DeepSeekV3) {
  const ModelSpec spec = golden("deepseek-v3");
  EXPECT_EQ(routing_rule(spec).score, GateScore::kSigmoid);
  EXPECT_EQ(routing_rule(spec).group_score, GroupScore::kSumOfTwoBest);
  EXPECT_TRUE(routing_rule(spec).correction_bias);
  EXPECT_TRUE(routing_rule(spec).normalise);
  EXPECT_EQ(routing_rule(spec).scale, 2.5);
  json fields = golden_config("deepseek-v3");
  fields["num_nextn_predict_layers"] = 1;
  EXPECT_EQ(read_spec(fields, "config.json").next_token.layers, 1);
}

TEST(DecoderSpec, RopeInItsNewPlace) {
  json fields = golden_config("mixtral");
  fields.erase("rope_theta");
  EXPECT_EQ(grouped(read_spec(fields, "config.json")).rotary->theta, 1e6) << "the family's default";
  fields["rope_parameters"] = {{"rope_type", "yarn"}, {"rope_theta", 5e5}, {"factor", 4.0}};
  const Rotary rope = *grouped(read_spec(fields, "config.json")).rotary;
  EXPECT_EQ(rope.theta, 5e5);
  EXPECT_EQ(rope.yarn->factor, 4.0);
  EXPECT_EQ(rope.yarn->original_positions, 512) << "max_position_embeddings";
  EXPECT_DOUBLE_EQ(yarn_amplitude(*rope.yarn), 0.1 * std::log(4.0) + 1.0);
}

TEST(DecoderSpec, RopeScalingCountsBeforeRopeParameters) {
  json fields = golden_config("mixtral");
  fields["rope_theta"] = 5e5;
  fields["rope_scaling"] = {{"rope_type", "yarn"}, {"factor", 4.0}};
  fields["rope_parameters"] = {{"rope_type", "default"}, {"rope_theta", 1e4}};
  const ModelSpec both = read_spec(fields, "config.json");
  EXPECT_EQ(grouped(both).rotary->yarn->factor, 4.0);
  EXPECT_EQ(grouped(both).rotary->theta, 5e5) << "not the base of rope_parameters";
  ASSERT_EQ(both.notes.size(), 1U);
  EXPECT_NE(both.notes[0].find("rope_scaling alone counts"), std::string::npos);
  fields["rope_parameters"] = fields["rope_scaling"];
  EXPECT_TRUE(read_spec(fields, "config.json").notes.empty()) << "they say the same";
  fields["rope_scaling"] = json::object();
  fields["rope_parameters"] = {{"rope_type", "default"}, {"rope_theta", 1e4}};
  const ModelSpec newer = read_spec(fields, "config.json");
  EXPECT_EQ(grouped(newer).rotary->theta, 1e4) << "an empty object says nothing";
  ASSERT_EQ(newer.notes.size(), 1U);
  EXPECT_NE(newer.notes[0].find("10000.0 in rope_parameters counts, rope_theta 500000.0 does not"),
            std::string::npos)
      << newer.notes[0];
}

TEST(DecoderSpec, RopeParametersOfEachTypeOfLayer) {
  json fields = golden_config("mixtral");
  fields.erase("rope_theta");
  fields["rope_parameters"] = {
      {"full_attention", {{"rope_type", "linear"}, {"rope_theta", 2e6}, {"factor", 2.0}}},
      {"sliding_attention", {{"rope_type", "default"}}}};
  fields["sliding_window"] = 16;
  fields["layer_types"] = {"sliding_attention", "full_attention", "sliding_attention"};
  const ModelSpec spec = read_spec(fields, "config.json");
  EXPECT_EQ(grouped(spec, 0).rotary->theta, 1e6) << "the family's default";
  EXPECT_EQ(grouped(spec, 1).rotary->theta, 2e6);
  EXPECT_EQ(grouped(spec, 1).rotary->linear_factor, 2.0);
  EXPECT_EQ(*grouped(spec, 2).rotary, *grouped(spec, 0).rotary);
  fields.erase("layer_types");
  fields["sliding_window"] = nullptr;
  EXPECT_EQ(grouped(read_spec(fields, "config.json"), 0).rotary->theta, 2e6) << "all of them see everything";
}

TEST(DecoderSpec, UnequalCountsOfExperts) {
  json fields = golden_config("deepseek-v1");
  fields["n_routed_experts"] = {nullptr, 4, 6};
  EXPECT_EQ(experts(read_spec(fields, "config.json")), (Counts{0, 4, 6}));
}

}  // namespace
}  // namespace espalier::arch
