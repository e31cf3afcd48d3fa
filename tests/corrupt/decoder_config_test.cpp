#include <gtest/gtest.h>

#include "arch/family.h"
#include "base/json.h"
#include "paths.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;
using nlohmann::json;

/// A golden's config with the fields of `patch` put in (null takes one out), and what the error must say.
struct BadDecoder {
  const char* golden;
  const char* patch;
  std::vector<std::string> fragments;
};

std::ostream& operator<<(std::ostream& out, const BadDecoder& bad) {
  return out << bad.golden << ' ' << bad.patch;
}

const std::vector<BadDecoder> kBadDecoders{
    {"mixtral",
     R"({"model_type": "gpt2"})",
     {"model_type: \"gpt2\" is not a supported architecture", "mixtral, phimoe, qwen2_moe"}},
    {"mixtral", R"({"vocab_size": 0})", {"vocab_size: found 0"}},
    {"mixtral", R"({"hidden_size": null})", {"the field hidden_size is missing"}},
    {"mixtral", R"({"num_hidden_layers": 100000})", {"num_hidden_layers: found 100000"}},
    {"mixtral", R"({"num_key_value_heads": 3})", {"num_key_value_heads: 3 do not divide the 4 heads"}},
    {"mixtral", R"({"head_dim": 7})", {"head_dim: heads are 7 wide, expected an even width"}},
    {"mixtral", R"({"hidden_act": "gelu"})", {"hidden_act: found \"gelu\", expected silu"}},
    {"mixtral", R"({"rms_norm_eps": 0})", {"rms_norm_eps: found 0"}},
    {"mixtral", R"({"rope_theta": -1})", {"rope_theta: found -1"}},
    {"mixtral",
     R"({"rope_scaling": {"type": "longrope", "factor": 8}})",
     {"rope_scaling: found the type \"longrope\""}},
    {"mixtral", R"({"rope_scaling": {"type": "yarn"}})", {"rope_scaling.factor is missing"}},
    {"mixtral",
     R"({"rope_parameters": {"sliding_attention": {"rope_theta": 1e4}}})",
     {"rope_parameters: no settings for layers of the type full_attention"}},
    {"mixtral",
     R"({"rope_parameters": {"full_attention": {"rope_theta": -1}}})",
     {"rope_parameters.full_attention.rope_theta: found -1"}},
    {"mixtral", R"({"sliding_window": 0})", {"sliding_window: found 0"}},
    {"mixtral", R"({"num_local_experts": 0})", {"num_local_experts: found 0"}},
    {"mixtral",
     R"({"num_local_experts": 18446744073709551615})",
     {"num_local_experts: found 18446744073709551615"}},
    {"mixtral",
     R"({"num_local_experts": [8, 8]})",
     {"the list has 2 entries, expected one for each of the 3 blocks"}},
    {"mixtral",
     R"({"num_local_experts": [8, null, 8]})",
     {"num_local_experts[1]: found null, expected a number"}},
    {"mixtral",
     R"({"num_local_experts": [8, 1, 8]})",
     {"num_experts_per_tok: 2 experts per token, but a token can reach 1 in block 1"}},
    {"mixtral",
     R"({"num_experts_per_tok": 9})",
     {"num_experts_per_tok: 9 experts per token, but a token can reach 8 in block 0"}},
    {"mixtral", R"({"num_experts_per_tok": 0})", {"num_experts_per_tok: found 0"}},
    {"deepseek-v1",
     R"({"n_routed_experts": [8, 8, 8]})",
     {"n_routed_experts[0]: found 8, expected null: block 0 is dense"}},
    {"deepseek-v1", R"({"scoring_func": "sigmoid"})", {"scoring_func: found \"sigmoid\", expected softmax"}},
    {"deepseek-v1", R"({"num_experts_per_tok": null})", {"num_experts_per_tok is missing"}},
    {"deepseek-v2", R"({"n_group": 5})", {"n_group: 5 groups do not divide the 12 experts of block 1"}},
    {"deepseek-v2", R"({"topk_group": 5})", {"topk_group: found 5, but there are 4 groups"}},
    {"deepseek-v2", R"({"topk_group": 1})", {"4 experts per token, but a token can reach 3"}},
    {"deepseek-v2", R"({"topk_method": "noaux_tc"})", {"topk_method: found \"noaux_tc\""}},
    {"deepseek-v2", R"({"qk_rope_head_dim": 7})", {"qk_rope_head_dim: found 7, expected an even width"}},
    {"deepseek-v3", R"({"scoring_func": "softmax"})", {"scoring_func: found \"softmax\", expected sigmoid"}},
    {"qwen2-moe",
     R"({"shared_expert_intermediate_size": null})",
     {"shared_expert_intermediate_size is missing"}},
    {"qwen2-moe", R"({"decoder_sparse_step": 0})", {"decoder_sparse_step: found 0"}},
    {"qwen2-moe",
     R"({"use_sliding_window": true, "layer_types": ["full_attention"]})",
     {"layer_types: the list has 1 entries"}},
    {"olmoe", R"({"clip_qkv": 0})", {"clip_qkv: found 0"}},
};

class CorruptDecoder : public ::testing::TestWithParam<BadDecoder> {};
INSTANTIATE_TEST_SUITE_P(Table, CorruptDecoder, ::testing::ValuesIn(kBadDecoders));

TEST_P(CorruptDecoder, IsAUserErrorThatNamesTheField) {
  json config =
      read_json(std::filesystem::path(source_dir()) / "tests/golden" / GetParam().golden / "config.json");
  EXPECT_NO_THROW(arch::read_spec(config, "config.json"));
  config.merge_patch(json::parse(GetParam().patch));  // null removes a field; lists are replaced whole
  SCOPED_TRACE(::testing::PrintToString(GetParam()));
  expect_user_error([&] { arch::read_spec(config, "config.json"); }, GetParam().fragments);
}

}  // namespace
}  // namespace espalier
