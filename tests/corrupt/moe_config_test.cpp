// config.json and tensors of language models that do not make sense, or not together.
#include <gtest/gtest.h>

#include "arch/described_model.h"
#include "temporary_folder.h"
#include "unit/arch/small_language_model.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;
using fixtures::small_config;
using fixtures::small_tensors;
using fixtures::SmallTensor;
using fixtures::store;
using nlohmann::json;

/// A good config with the fields of `patch` put in (null takes one out), and what the error must say.
struct BadConfig {
  const char* model_type;
  const char* patch;
  std::vector<std::string> fragments;
};

std::ostream& operator<<(std::ostream& out, const BadConfig& bad) {
  return out << bad.model_type << " " << bad.patch;
}

const std::vector<BadConfig> kBadConfigs{
    {"mixtral", R"({"num_hidden_layers": null})", {"c: the field num_hidden_layers is missing"}},
    {"mixtral",
     R"({"num_hidden_layers": 18446744073709551615})",
     {"num_hidden_layers: found 18446744073709551615"}},
    {"mixtral", R"({"num_hidden_layers": 0})", {"num_hidden_layers: found 0"}},
    {"mixtral", R"({"num_local_experts": null})", {"the field num_local_experts is missing"}},
    {"mixtral", R"({"num_local_experts": 0})", {"num_local_experts: found 0"}},
    {"mixtral",
     R"({"num_local_experts": 18446744073709551615})",
     {"num_local_experts: found 18446744073709551615"}},
    {"mixtral", R"({"num_local_experts": 9223372036854775807})", {"num_local_experts: found"}},
    {"mixtral", R"({"num_local_experts": [8, 8]})", {"the list has 2 entries", "each of the 3 blocks"}},
    {"mixtral", R"({"num_local_experts": [8, [], 8]})", {"num_local_experts[1]"}},
    {"mixtral",
     R"({"num_local_experts": [8, 18446744073709551615, 8]})",
     {"num_local_experts[1]: found 18446744073709551615"}},
    {"mixtral",
     R"({"num_experts_per_tok": 9})",
     {"num_experts_per_tok: 9 experts per token, but a token can reach 8 in block 0"}},
    {"mixtral", R"({"num_experts_per_tok": -1})", {"num_experts_per_tok: found -1"}},
    {"mixtral", R"({"num_experts_per_tok": null})", {"num_experts_per_tok is missing"}},
    {"deepseek",
     R"({"n_routed_experts": [8, 8, 8]})",
     {"n_routed_experts[0]: found 8, expected null: block 0 is dense"}},
    {"deepseek", R"({"moe_layer_freq": 0})", {"moe_layer_freq: found 0"}},
    {"deepseek_v3", R"({"n_group": 3})", {"n_group: 3 groups do not divide the 8 experts of block 1"}},
    {"deepseek_v3", R"({"topk_group": 3})", {"topk_group: found 3, but there are 2 groups"}},
    {"deepseek_v3",
     R"({"n_group": 8, "topk_group": 1})",
     {"num_experts_per_tok: 2 experts per token, but a token can reach 1"}},
    {"deepseek_v3", R"({"num_nextn_predict_layers": 1000000})", {"num_nextn_predict_layers: found 1000000"}},
    {"qwen2_moe", R"({"decoder_sparse_step": 0})", {"decoder_sparse_step: found 0"}},
    {"qwen2_moe", R"({"mlp_only_layers": [-1]})", {"mlp_only_layers[0]: found -1"}},
    {"switch_transformers", R"({"num_sparse_encoder_layers": -1})", {"num_sparse_encoder_layers: found -1"}},
    {"switch_transformers", R"({"num_layers": "2"})", {"num_layers: found \"2\", expected an integer"}},
};

class CorruptMoeConfig : public ::testing::TestWithParam<BadConfig> {};
INSTANTIATE_TEST_SUITE_P(Table, CorruptMoeConfig, ::testing::ValuesIn(kBadConfigs));

TEST_P(CorruptMoeConfig, IsAUserErrorThatNamesTheField) {
  json config = small_config(GetParam().model_type);
  EXPECT_FALSE(arch::read_spec(config, "c").blocks.empty());
  config.merge_patch(json::parse(GetParam().patch));
  expect_user_error([&] { arch::read_spec(config, "c"); }, GetParam().fragments);
}

/// What is done to the tensors of a good model, and what is said then.
struct BadTensors {
  const char* title;
  std::function<void(std::vector<SmallTensor>&)> change;
  std::vector<std::string> fragments;
};

SmallTensor& named(std::vector<SmallTensor>& tensors, const std::string& name) {
  const auto at = std::find_if(tensors.begin(), tensors.end(), [&](const auto& t) { return t.name == name; });
  if (at == tensors.end()) throw std::runtime_error("the test names no tensor: " + name);
  return *at;
}

TEST(CorruptLanguageModel, TensorsThatConfigJsonDoesNotAccountFor) {
  const std::string router = "model.layers.1.block_sparse_moe.gate.weight";
  const std::string expert = "model.layers.1.block_sparse_moe.experts.3.";
  const std::vector<BadTensors> cases{
      {"no router",
       [&](auto& t) { std::erase_if(t, [&](auto& x) { return x.name == router; }); },
       {"block 1 has experts, but no router weight"}},
      {"router of nine",
       [&](auto& t) {
         named(t, router).shape = {9, 4};
       },
       {router + " is [9, 4], expected 8 experts on its first axis (num_local_experts)"}},
      {"router of another width",
       [&](auto& t) {
         named(t, router).shape = {8, 5};
       },
       {router + " is [8, 5], config.json asks for [8, 4]"}},
      {"an expert is missing",
       [&](auto& t) { std::erase_if(t, [&](auto& x) { return x.name.starts_with(expert); }); },
       {"block 1: expert 3 is missing, config.json says 8 (num_local_experts)"}},
      {"a projection is missing",
       [&](auto& t) { std::erase_if(t, [&](auto& x) { return x.name == expert + "w2.weight"; }); },
       {"block 1: expert 3 has 2 weights, expert 0 has 3", "and 1 more"}},
      {"one too many",
       [&](auto& t) {
         t.push_back({"model.layers.0.block_sparse_moe.experts.8.w1.weight", Dtype::kBF16, {6, 4}});
       },
       {"is of expert 8, config.json gives block 0 8 experts"}},
      {"a block too many",
       [&](auto& t) {
         t.push_back({"model.layers.3.input_layernorm.weight", Dtype::kF32, {4}});
       },
       {"model.layers.3.input_layernorm.weight is of block 3, config.json has 3 blocks"}},
      {"shapes differ",
       [&](auto& t) {
         named(t, expert + "w1.weight").shape = {7, 4};
       },
       {expert + "w1.weight is [7, 4], but", "is [6, 4]"}},
      {"vocabulary",
       [&](auto& t) {
         named(t, "model.embed_tokens.weight").shape = {9, 4};
       },
       {"model.embed_tokens.weight is [9, 4], config.json asks for [10, 4] (vocab_size 10)"}},
      {"no experts at all",
       [&](auto& t) {
         std::erase_if(t, [](auto& x) {
           return x.name.find("layers.2.block_sparse_moe.experts") != std::string::npos;
         });
       },
       {"block 2 should have 8 experts (num_local_experts), but no tensor of theirs is there"}},
  };
  const TemporaryFolder folder;
  for (const BadTensors& bad : cases) {
    SCOPED_TRACE(bad.title);
    auto tensors = small_tensors("mixtral");
    bad.change(tensors);
    const Checkpoint checkpoint = store(folder / bad.title, small_config("mixtral"), tensors);
    expect_user_error([&] { arch::describe(checkpoint); }, bad.fragments);
  }
}

TEST(CorruptLanguageModel, AnotherWidthOfExperts) {
  const TemporaryFolder folder;
  json config = small_config("mixtral");
  config["intermediate_size"] = 7;
  const Checkpoint checkpoint = store(folder.path(), config, small_tensors("mixtral"));
  expect_user_error([&] { arch::describe(checkpoint); },
                    {"experts.0.w1.weight is [6, 4], config.json asks for [7, 4] (inner width 7)"});
}

}  // namespace
}  // namespace espalier
