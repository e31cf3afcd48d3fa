#include "arch/decoder_config.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "paths.h"

namespace espalier {
namespace {

using nlohmann::json;

json golden_config(const std::string& folder) {
  return read_json(std::filesystem::path(source_dir()) / "tests/golden" / folder / "config.json");
}

DecoderConfig golden(const std::string& folder) {
  return parse_decoder_config(golden_config(folder), "config.json");
}

using Counts = std::vector<std::int64_t>;

TEST(DecoderConfig, Mixtral) {
  const DecoderConfig config = golden("mixtral");
  EXPECT_EQ(config.model_type, "mixtral");
  EXPECT_EQ(config.vocab_size, 320);
  EXPECT_EQ(config.hidden_size, 64);
  EXPECT_EQ(config.heads, 4);
  EXPECT_EQ(config.key_value_heads, 2);
  EXPECT_EQ(config.head_width, 16);
  EXPECT_EQ(config.norm_epsilon, 1e-5);
  EXPECT_EQ(config.rope.theta, 1e6);
  EXPECT_FALSE(config.rope.interleaved);
  EXPECT_EQ(config.windows, (Counts{0, 0, 0}));
  EXPECT_EQ(config.expert_width, 72);
  EXPECT_EQ(config.experts, (Counts{8, 8, 8}));
  EXPECT_EQ(config.shared_width, 0);
  EXPECT_EQ(config.router.experts_per_token, 2);
  EXPECT_TRUE(config.router.normalise);
  EXPECT_EQ(config.bos_token, 1);
  EXPECT_EQ(config.eos_token, 2);
}

TEST(DecoderConfig, QwensHaveDenseBlocksByStepAndByList) {
  EXPECT_EQ(golden("qwen2-moe-dense-layers").experts, (Counts{0, 8, 0, 8}));
  json fields = golden_config("qwen2-moe");
  fields["mlp_only_layers"] = {1};
  const DecoderConfig config = parse_decoder_config(fields, "config.json");
  EXPECT_EQ(config.experts, (Counts{8, 0, 8}));
  EXPECT_TRUE(config.query_key_value_bias);
  EXPECT_FALSE(config.attention_output_bias);
  EXPECT_TRUE(config.gated_shared_expert);
  EXPECT_EQ(config.shared_width, 96);
  EXPECT_FALSE(config.router.normalise);
  EXPECT_EQ(config.windows, (Counts{0, 0, 0})) << "sliding_window counts only with use_sliding_window";
}

TEST(DecoderConfig, SlidingWindows) {
  json fields = golden_config("qwen2-moe");
  fields["use_sliding_window"] = true;
  fields["sliding_window"] = 16;
  fields["max_window_layers"] = 2;
  EXPECT_EQ(parse_decoder_config(fields, "config.json").windows, (Counts{0, 0, 16}));
  fields["layer_types"] = {"sliding_attention", "full_attention", "full_attention"};
  EXPECT_EQ(parse_decoder_config(fields, "config.json").windows, (Counts{16, 0, 0}));
  fields = golden_config("mixtral");
  fields["sliding_window"] = 4096;
  EXPECT_EQ(parse_decoder_config(fields, "config.json").windows, (Counts{4096, 4096, 4096}));
}

TEST(DecoderConfig, Qwen3HasHeadsOfTheirOwnWidthAndNormsOfEach) {
  const DecoderConfig config = golden("qwen3-moe");
  EXPECT_EQ(config.head_width, 24);
  EXPECT_EQ(config.qk_norm, QkNorm::kPerHead);
  EXPECT_TRUE(config.router.normalise);
}

TEST(DecoderConfig, OlmoesDefaults) {
  const DecoderConfig config = golden("olmoe");
  EXPECT_EQ(config.norm_epsilon, 1e-5) << "the family's default";
  EXPECT_EQ(config.qk_norm, QkNorm::kAllHeads);
  EXPECT_EQ(config.expert_width, 56);
  EXPECT_EQ(config.clip_qkv, std::nullopt);
}

TEST(DecoderConfig, DeepSeeksFirstBlockIsDense) {
  const DecoderConfig config = golden("deepseek-v1");
  EXPECT_EQ(config.experts, (Counts{0, 8, 8}));
  EXPECT_EQ(config.dense_width, 176);
  EXPECT_EQ(config.shared_width, 112);
  EXPECT_FALSE(config.latent);
}

TEST(DecoderConfig, DeepSeekV2) {
  const DecoderConfig lite = golden("deepseek-v2-lite");
  EXPECT_EQ(lite.latent->query_rank, std::nullopt);
  EXPECT_EQ(lite.latent->key_value_rank, 32);
  EXPECT_EQ(lite.head_width, 32);
  EXPECT_TRUE(lite.rope.interleaved);
  EXPECT_EQ(lite.rope.yarn->factor, 40);
  EXPECT_EQ(lite.rope.yarn->original_positions, 128);
  EXPECT_DOUBLE_EQ(yarn_amplitude(*lite.rope.yarn), 1.0) << "mscale and mscale_all_dim are equal";
  EXPECT_EQ(lite.router.groups, 1);

  const DecoderConfig config = golden("deepseek-v2");
  EXPECT_EQ(config.latent->query_rank, 40);
  EXPECT_EQ(config.router.groups, 4);
  EXPECT_EQ(config.router.top_groups, 2);
  EXPECT_EQ(config.router.group_score, GroupScore::kMax);
  EXPECT_EQ(config.router.scale, 4.0);
}

TEST(DecoderConfig, DeepSeekV3) {
  const DecoderConfig config = golden("deepseek-v3");
  EXPECT_EQ(config.router.score, GateScore::kSigmoid);
  EXPECT_EQ(config.router.group_score, GroupScore::kSumOfTwoBest);
  EXPECT_TRUE(config.router.correction_bias);
  EXPECT_TRUE(config.router.normalise);
  EXPECT_EQ(config.router.scale, 2.5);
  json fields = golden_config("deepseek-v3");
  fields["num_nextn_predict_layers"] = 1;
  EXPECT_EQ(parse_decoder_config(fields, "config.json").next_token_layers, 1);
}

TEST(DecoderConfig, RopeInItsNewPlace) {
  json fields = golden_config("mixtral");
  fields.erase("rope_theta");
  EXPECT_EQ(parse_decoder_config(fields, "config.json").rope.theta, 1e6) << "the family's default";
  fields["rope_parameters"] = {{"rope_type", "yarn"}, {"rope_theta", 5e5}, {"factor", 4.0}};
  const RopeConfig rope = parse_decoder_config(fields, "config.json").rope;
  EXPECT_EQ(rope.theta, 5e5);
  EXPECT_EQ(rope.yarn->factor, 4.0);
  EXPECT_EQ(rope.yarn->original_positions, 512) << "max_position_embeddings";
  EXPECT_DOUBLE_EQ(yarn_amplitude(*rope.yarn), 0.1 * std::log(4.0) + 1.0);
}

TEST(DecoderConfig, UnequalCountsOfExperts) {
  json fields = golden_config("deepseek-v1");
  fields["n_routed_experts"] = {nullptr, 4, 6};
  EXPECT_EQ(parse_decoder_config(fields, "config.json").experts, (Counts{0, 4, 6}));
}

}  // namespace
}  // namespace espalier
