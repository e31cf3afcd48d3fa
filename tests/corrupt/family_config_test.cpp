// config.json of today's families, nested ones above all, that do not make sense.
#include <gtest/gtest.h>

#include "arch/described_model.h"
#include "base/json.h"
#include "paths.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using nlohmann::json;

/// A golden's config with a patch (null takes a field out), and what the error must say.
struct BadFamilyConfig {
  const char* folder;
  const char* patch;
  std::vector<std::string> fragments;
};

std::ostream& operator<<(std::ostream& out, const BadFamilyConfig& bad) {
  return out << bad.folder << " " << bad.patch;
}

const std::vector<BadFamilyConfig> kBadConfigs{
    // a model within a model
    {"qwen3_5_moe", R"({"text_config": null})", {"c: the field text_config is missing"}},
    {"kimi_k25", R"({"text_config": 7})", {"text_config: found 7, expected a JSON object"}},
    {"gemma4", R"({"text_config": {"num_experts": null}})", {"text_config.num_experts is missing"}},
    {"qwen3_5_moe", R"({"num_experts": 8})", {"num_experts: found 8, but text_config.num_experts is 10"}},
    {"glm4v_moe",
     R"({"num_experts_per_tok": 1})",
     {"num_experts_per_tok: found 1, but text_config.num_experts_per_tok is 3"}},
    {"llama4", R"({"num_hidden_layers": 5})", {"num_hidden_layers: found 5, but text_config"}},
    {"mistral4",
     R"({"text_config": {"model_type": "mistral"}})",
     {"text_config.model_type: found \"mistral\", expected \"mistral4\" in a \"mistral3\""}},
    {"dbrx", R"({"ffn_config": null})", {"the field ffn_config is missing"}},
    {"dbrx", R"({"ffn_config": {"moe_num_experts": 0}})", {"ffn_config.moe_num_experts: found 0"}},
    // which blocks have experts
    {"exaone_moe",
     R"({"mlp_layer_types": ["dense", "sparse"]})",
     {"mlp_layer_types: the list has 2 entries"}},
    {"exaone_moe",
     R"({"mlp_layer_types": ["dense", "sparse", "moo", "sparse"]})",
     {"mlp_layer_types[2]: found \"moo\""}},
    {"minimax_m3_vl",
     R"({"text_config": {"moe_layer_freq": [0, 1]}})",
     {"moe_layer_freq: the list has 2 entries, expected one for each of the 3 blocks"}},
    {"step3p7", R"({"text_config": {"moe_layers_enum": "1,x"}})", {"moe_layers_enum: found \"x\""}},
    {"step3p7", R"({"text_config": {"moe_layers_enum": "1,3"}})", {"moe_layers_enum: found \"3\""}},
    {"llama4_text", R"({"moe_layers": [4]})", {"moe_layers[0]: found 4"}},
    {"nemotron_h", R"({"num_hidden_layers": 4})", {"num_hidden_layers: found 4, but 5 kinds of blocks"}},
    {"jamba", R"({"expert_layer_period": 0})", {"expert_layer_period: found 0"}},
    // routing
    {"bailing_hybrid",
     R"({"num_expert_group": 5})",
     {"num_expert_group: 5 groups do not divide the 12 experts"}},
    {"hunyuan_v1_moe", R"({"moe_topk": [3, 3, 2]})", {"moe_topk: found 2 for block 2 and 3 for block 0"}},
    {"longcat_flash", R"({"zero_expert_num": -1})", {"zero_expert_num: found -1"}},
    {"ernie4_5_moe", R"({"moe_k": 9})", {"moe_k: 9 experts per token, but a token can reach 8"}},
    {"qwen3_moe-saved", R"({"num_local_experts": null})", {"the field num_experts is missing"}},
};

class CorruptFamilyConfig : public ::testing::TestWithParam<BadFamilyConfig> {};
INSTANTIATE_TEST_SUITE_P(Table, CorruptFamilyConfig, ::testing::ValuesIn(kBadConfigs));

TEST_P(CorruptFamilyConfig, IsAUserErrorThatNamesTheField) {
  const std::filesystem::path golden =
      std::filesystem::path(source_dir()) / "tests/golden/families" / GetParam().folder / "config.json";
  json config = read_json(golden);
  EXPECT_FALSE(arch::read_spec(config, "c").blocks.empty());
  config.merge_patch(json::parse(GetParam().patch));
  fixtures::expect_user_error([&] { arch::read_spec(config, "c"); }, GetParam().fragments);
}

/// A router's rows that are neither the experts' nor the others'.
TEST(CorruptFamilyTensors, RowsOfARouterAreCounted) {
  const Checkpoint checkpoint =
      Checkpoint::open(std::filesystem::path(source_dir()) / "tests/golden/families/longcat_flash");
  json config = checkpoint.config();
  config["zero_expert_num"] = 3;
  const arch::ModelSpec spec = arch::read_spec(config, "c");
  fixtures::expect_user_error([&] { find_topology(checkpoint, spec); },
                              {"model.layers.0.mlp.router.", "expected 11 experts on its first axis"});
}

}  // namespace
}  // namespace espalier
