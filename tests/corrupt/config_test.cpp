#include <gtest/gtest.h>

#include "arch/family.h"
#include "base/json.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;
using nlohmann::json;

constexpr const char* kGoodMoe = R"({
  "model_type": "espalier_bert_moe", "vocab_size": 100, "hidden_size": 12, "num_hidden_layers": 4,
  "num_attention_heads": 3, "intermediate_size": 20, "moe_layers": [1, 3], "num_experts": 4,
  "num_experts_per_tok": 2, "moe_placement": "replace"})";

/// A good config with the fields of `patch` put in (null takes one out), and what the error must say.
struct BadConfig {
  const char* patch;
  std::vector<std::string> fragments;
};

std::ostream& operator<<(std::ostream& out, const BadConfig& bad) {
  return out << bad.patch;
}

const std::vector<BadConfig> kBadConfigs{
    {R"({"model_type": null})", {"config.json: the field model_type is missing"}},
    {R"({"model_type": "gpt2"})", {"model_type: \"gpt2\" is not a supported architecture"}},
    {R"({"model_type": 3})", {"model_type: found 3, expected a string"}},
    {R"({"vocab_size": null})", {"the field vocab_size is missing"}},
    {R"({"vocab_size": 0})", {"vocab_size: found 0, expected an integer from 1"}},
    {R"({"vocab_size": -5})", {"vocab_size: found -5"}},
    {R"({"vocab_size": 1e3})", {"vocab_size: found 1000.0, expected an integer"}},
    {R"({"vocab_size": 9223372036854775807})", {"vocab_size: found 9223372036854775807"}},
    {R"({"vocab_size": 18446744073709551615})",
     {"vocab_size: found 18446744073709551615, expected an integer"}},
    {R"({"hidden_size": "12"})", {"hidden_size: found \"12\", expected an integer"}},
    {R"({"hidden_size": 10000002})", {"hidden_size: found 10000002"}},
    {R"({"num_hidden_layers": 0})", {"num_hidden_layers: found 0"}},
    {R"({"num_hidden_layers": 100000})", {"num_hidden_layers: found 100000"}},
    {R"({"num_attention_heads": 0})", {"num_attention_heads: found 0"}},
    {R"({"num_attention_heads": 5})", {"num_attention_heads: 5 heads do not divide the width 12"}},
    {R"({"num_attention_heads": 24})", {"24 heads do not divide the width 12"}},
    {R"({"intermediate_size": -1})", {"intermediate_size: found -1"}},
    {R"({"max_position_embeddings": 0})", {"max_position_embeddings: found 0"}},
    {R"({"type_vocab_size": 0})", {"type_vocab_size: found 0"}},
    {R"({"pad_token_id": 100})", {"pad_token_id: found 100, expected a token of the vocabulary, 0 to 99"}},
    {R"({"pad_token_id": -1})", {"pad_token_id: found -1"}},
    {R"({"layer_norm_eps": 0})", {"layer_norm_eps: found 0"}},
    {R"({"layer_norm_eps": "1e-12"})", {"layer_norm_eps: found \"1e-12\", expected a number"}},
    {R"({"hidden_dropout_prob": 1.0})", {"hidden_dropout_prob: found 1, expected a probability"}},
    {R"({"attention_probs_dropout_prob": -0.1})", {"attention_probs_dropout_prob: found -0.1"}},
    {R"({"classifier_dropout": 2})", {"classifier_dropout: found 2"}},
    {R"({"initializer_range": -1})", {"initializer_range: found -1"}},
    {R"({"hidden_act": "gelu_new"})", {"hidden_act: found \"gelu_new\", expected \"gelu\""}},
    {R"({"hidden_act": "relu"})", {"hidden_act: found \"relu\""}},
    {R"({"position_embedding_type": "relative_key"})", {"position_embedding_type"}},
    {R"({"is_decoder": true})", {"is_decoder: decoders are not supported"}},
    {R"({"tie_word_embeddings": false})", {"tie_word_embeddings"}},
    {R"({"problem_type": "single_label_clasification"})",
     {"problem_type", "did you mean single_label_classification?"}},
    {R"({"id2label": ["a", "b"]})", {"id2label: found an array, expected a JSON object"}},
    {R"({"id2label": {"0": "a", "2": "b"}})", {"id2label.1 is missing"}},
    {R"({"id2label": {"0": 1}})", {"id2label.0: found 1, expected a string"}},
    {R"({"id2label": {"0": "a", "1": "b"}, "num_labels": 3})",
     {"num_labels: found 3, but id2label has 2 labels"}},
    {R"({"num_labels": 0})", {"num_labels: found 0"}},
    {R"({"moe_layers": null})", {"the field moe_layers is missing"}},
    {R"({"moe_layers": 2})", {"moe_layers: found 2, expected an array of integers"}},
    {R"({"moe_layers": [4]})", {"moe_layers: there is no block 4, the model has blocks 0 to 3"}},
    {R"({"moe_layers": [-1]})", {"moe_layers: there is no block -1"}},
    {R"({"moe_layers": [1, 1]})", {"moe_layers: block 1 is listed twice"}},
    {R"({"moe_layers": [1.5]})", {"moe_layers[0]: found 1.5"}},
    {R"({"num_experts": null})", {"the field num_experts is missing"}},
    {R"({"num_experts": 0})", {"num_experts: found 0"}},
    {R"({"num_experts": 1000000})", {"num_experts: found 1000000"}},
    {R"({"num_experts": [4, 4]})",
     {"num_experts: the list has 2 entries, expected one for each of the 4 blocks"}},
    {R"({"num_experts": [4, 4, null, 4]})", {"num_experts[0]: found 4, expected null: block 0 is dense"}},
    {R"({"num_experts": [null, null, null, 4]})",
     {"num_experts[1]: found null, expected a number of experts"}},
    {R"({"num_experts": [null, 4, null, 18446744073709551615]})", {"num_experts[3]"}},
    {R"({"num_experts_per_tok": 5})",
     {"num_experts_per_tok: 5 experts per token, but a token can reach 4 in block 1"}},
    {R"({"num_experts_per_tok": 0})", {"num_experts_per_tok: found 0"}},
    {R"({"moe_placement": "extra"})", {"moe_placement", "not supported yet"}},
    {R"({"moe_placement": "before"})", {"moe_placement: found \"before\""}},
    {R"({"router_jitter": 1.5})", {"router_jitter: found 1.5"}},
    {R"({"capacity_factor": 0})", {"capacity_factor: found 0"}},
    {R"({"router_aux_loss_coef": -1})", {"router_aux_loss_coef: found -1"}},
    {R"({"num_experts": null, "num_expert": 4})", {"num_expert: unknown field", "did you mean num_experts?"}},
    {R"({"router_jiter": 0.1})", {"router_jiter: unknown field", "did you mean router_jitter?"}},
    {R"({"model_type": "bert"})", {"moe_layers: a plain \"bert\" has no MoE layers", "espalier_bert_moe"}},
};

class CorruptConfig : public ::testing::TestWithParam<BadConfig> {};
INSTANTIATE_TEST_SUITE_P(Table, CorruptConfig, ::testing::ValuesIn(kBadConfigs));

TEST_P(CorruptConfig, IsAUserErrorThatNamesTheField) {
  json config = json::parse(kGoodMoe);
  config.merge_patch(json::parse(GetParam().patch));  // null removes a field; lists are replaced whole
  SCOPED_TRACE(GetParam().patch);
  expect_user_error([&] { arch::read_spec(config, "config.json"); }, GetParam().fragments);
}

TEST(CorruptConfig, TheConfigAllCasesStartFromIsGood) {
  EXPECT_EQ(arch::read_spec(json::parse(kGoodMoe), "config.json").block(3).experts(), 4);
}

}  // namespace
}  // namespace espalier
