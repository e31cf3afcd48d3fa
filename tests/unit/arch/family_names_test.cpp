// Families and layouts without a golden: names and shapes of a block, written by hand from the published
// checkpoints' lists, before and after experts 0 and 3 of 4 are gone. {0,1} stands for two names.
#include <gtest/gtest.h>

#include <sstream>

#include "paths.h"
#include "unit/surgery/pruned_model.h"

namespace espalier {
namespace {

using fixtures::SmallTensor;
using nlohmann::json;

struct ByHand {
  const char* model_type;
  const char* config;  // what it has besides 1 block, 4 experts and K = 1, D = 4, F = 6
  const char* whole;
  const char* pruned;
};

std::ostream& operator<<(std::ostream& out, const ByHand& row) {
  return out << row.model_type;
}

void expand(const std::string& name, const std::vector<std::int64_t>& shape, std::vector<SmallTensor>& out) {
  const auto open = name.find('{'), close = name.find('}');
  if (open == std::string::npos) return out.push_back({name, Dtype::kF32, shape});
  std::istringstream items(name.substr(open + 1, close - open - 1));
  for (std::string item; std::getline(items, item, ',');)
    expand(name.substr(0, open) + item + name.substr(close + 1), shape, out);
}

/// "NAME 6x4" in each line.
std::vector<SmallTensor> tensors_of(const char* lines) {
  std::vector<SmallTensor> tensors;
  std::istringstream text(lines);
  std::string name, sizes;
  while (text >> name >> sizes) {
    std::vector<std::int64_t> shape;
    std::istringstream list(sizes);
    for (std::string size; std::getline(list, size, 'x');) shape.push_back(std::stoll(size));
    expand(name, shape, tensors);
  }
  std::sort(tensors.begin(), tensors.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return tensors;
}

std::vector<std::string> lines_of(const std::vector<SmallTensor>& tensors) {
  std::vector<std::string> lines;
  for (const SmallTensor& tensor : tensors) {
    std::string& line = lines.emplace_back(tensor.name);
    for (const std::int64_t size : tensor.shape) line += " " + std::to_string(size);
  }
  return lines;
}

std::vector<std::string> lines_of(const Checkpoint& checkpoint) {
  std::vector<SmallTensor> tensors;
  for (const std::string_view name : checkpoint.names()) {
    const auto shape = checkpoint.tensor(name).shape;
    tensors.push_back({std::string(name), Dtype::kF32, {shape.begin(), shape.end()}});
  }
  return lines_of(tensors);
}

const std::vector<ByHand> kRows{
    {"bailing_moe", R"({"num_experts": 4, "num_experts_per_tok": 1, "num_shared_experts": 2})",
     "model.word_embeddings.weight 10x4 "
     "model.layers.0.mlp.experts.{0,1,2,3}.{gate,up}_proj.weight 6x4 "
     "model.layers.0.mlp.experts.{0,1,2,3}.down_proj.weight 4x6 model.layers.0.mlp.gate.weight 4x4 "
     "model.layers.0.mlp.shared_experts.{gate,up}_proj.weight 12x4 "
     "model.layers.0.mlp.shared_experts.down_proj.weight 4x12",
     "model.word_embeddings.weight 10x4 model.layers.0.mlp.experts.{0,1}.{gate,up}_proj.weight 6x4 "
     "model.layers.0.mlp.experts.{0,1}.down_proj.weight 4x6 model.layers.0.mlp.gate.weight 2x4 "
     "model.layers.0.mlp.shared_experts.{gate,up}_proj.weight 12x4 "
     "model.layers.0.mlp.shared_experts.down_proj.weight 4x12"},
    {"bailing_moe_v2",
     R"({"num_experts": 4, "num_experts_per_tok": 1, "score_function": "sigmoid", "num_nextn_predict_layers": 1})",
     "model.word_embeddings.weight 10x4 "
     "model.layers.{0,1}.mlp.experts.{0,1,2,3}.{gate,up}_proj.weight 6x4 "
     "model.layers.{0,1}.mlp.experts.{0,1,2,3}.down_proj.weight 4x6 "
     "model.layers.{0,1}.mlp.gate.{weight} 4x4 model.layers.{0,1}.mlp.gate.expert_bias 4 "
     "model.layers.1.eh_proj.weight 4x8",
     "model.word_embeddings.weight 10x4 model.layers.{0,1}.mlp.experts.{0,1}.{gate,up}_proj.weight 6x4 "
     "model.layers.{0,1}.mlp.experts.{0,1}.down_proj.weight 4x6 "
     "model.layers.{0,1}.mlp.gate.{weight} 2x4 model.layers.{0,1}.mlp.gate.expert_bias 2 "
     "model.layers.1.eh_proj.weight 4x8"},
    {"deepseek_v41", R"({"n_routed_experts": 4, "num_experts_per_tok": 1})",
     "embed.weight 10x4 layers.0.ffn.experts.{0,1,2,3}.{w1,w3}.weight 6x4 "
     "layers.0.ffn.experts.{0,1,2,3}.w2.weight 4x6 layers.0.ffn.gate.weight 4x4 "
     "layers.0.ffn.gate.{bias,bias_vl} 4 mtp.0.ffn.experts.{0,1,2,3}.w2.weight 4x6 "
     "mtp.0.ffn.gate.weight 4x4 mtp.0.ffn.gate.bias 4 mtp.0.e_proj.weight 4x4",
     "embed.weight 10x4 layers.0.ffn.experts.{0,1}.{w1,w3}.weight 6x4 "
     "layers.0.ffn.experts.{0,1}.w2.weight 4x6 layers.0.ffn.gate.weight 2x4 "
     "layers.0.ffn.gate.{bias,bias_vl} 2 mtp.0.ffn.experts.{0,1}.w2.weight 4x6 "
     "mtp.0.ffn.gate.weight 2x4 mtp.0.ffn.gate.bias 2 mtp.0.e_proj.weight 4x4"},
    {"deepseek_v4", R"({"n_routed_experts": 4, "num_experts_per_tok": 1})",  // as libraries save it
     "embed.weight 10x4 model.layers.0.ffn.experts.{0,1,2,3}.{w1,w3}.weight 6x4 "
     "model.layers.0.ffn.experts.{0,1,2,3}.w2.weight 4x6 model.layers.0.ffn.gate.weight 4x4 "
     "model.layers.0.ffn.gate.bias 4",
     "embed.weight 10x4 model.layers.0.ffn.experts.{0,1}.{w1,w3}.weight 6x4 "
     "model.layers.0.ffn.experts.{0,1}.w2.weight 4x6 model.layers.0.ffn.gate.weight 2x4 "
     "model.layers.0.ffn.gate.bias 2"},
    {"qwen3_next", R"({"num_experts": 4, "num_experts_per_tok": 1})",  // next-token layers beside the blocks
     "model.embed_tokens.weight 10x4 {model,mtp}.layers.0.mlp.experts.{0,1,2,3}.{gate,up}_proj.weight 6x4 "
     "{model,mtp}.layers.0.mlp.experts.{0,1,2,3}.down_proj.weight 4x6 "
     "{model,mtp}.layers.0.mlp.gate.weight 4x4 mtp.fc.weight 4x8",
     "model.embed_tokens.weight 10x4 {model,mtp}.layers.0.mlp.experts.{0,1}.{gate,up}_proj.weight 6x4 "
     "{model,mtp}.layers.0.mlp.experts.{0,1}.down_proj.weight 4x6 "
     "{model,mtp}.layers.0.mlp.gate.weight 2x4 mtp.fc.weight 4x8"},
    {"qwen3_5_moe_text",
     R"({"num_experts": 4, "num_experts_per_tok": 1})",  // per expert, as FP8 is published
     "model.embed_tokens.weight 10x4 model.layers.0.mlp.experts.{0,1,2,3}.{gate,up}_proj.weight 6x4 "
     "model.layers.0.mlp.experts.{0,1,2,3}.down_proj.weight 4x6 model.layers.0.mlp.gate.weight 4x4 "
     "mtp.layers.0.mlp.experts.gate_up_proj 4x12x4 mtp.layers.0.mlp.experts.down_proj 4x4x6 "
     "mtp.layers.0.mlp.gate.weight 4x4",
     "model.embed_tokens.weight 10x4 model.layers.0.mlp.experts.{0,1}.{gate,up}_proj.weight 6x4 "
     "model.layers.0.mlp.experts.{0,1}.down_proj.weight 4x6 model.layers.0.mlp.gate.weight 2x4 "
     "mtp.layers.0.mlp.experts.gate_up_proj 2x12x4 mtp.layers.0.mlp.experts.down_proj 2x4x6 "
     "mtp.layers.0.mlp.gate.weight 2x4"},
    {"mimo_v2", R"({"n_routed_experts": 4, "num_experts_per_tok": 1, "moe_layer_freq": [1]})",
     "model.embed_tokens.weight 10x4 model.layers.0.mlp.experts.{0,1,2,3}.{gate,up}_proj.weight 6x4 "
     "model.layers.0.mlp.experts.{0,1,2,3}.down_proj.weight 4x6 model.layers.0.mlp.gate.weight 4x4 "
     "model.layers.0.mlp.gate.e_score_correction_bias 4",
     "model.embed_tokens.weight 10x4 model.layers.0.mlp.experts.{0,1}.{gate,up}_proj.weight 6x4 "
     "model.layers.0.mlp.experts.{0,1}.down_proj.weight 4x6 model.layers.0.mlp.gate.weight 2x4 "
     "model.layers.0.mlp.gate.e_score_correction_bias 2"},
    {"step3p5", R"({"moe_num_experts": 4, "moe_top_k": 1, "moe_layers_enum": "0"})",  // by other quantisers
     "model.embed_tokens.weight 10x4 model.layers.0.moe.experts.{0,1,2,3}.{gate,up}_proj.weight 6x4 "
     "model.layers.0.moe.experts.{0,1,2,3}.down_proj.weight 4x6 model.layers.0.moe.gate.weight 4x4 "
     "model.layers.0.moe.router_bias 4",
     "model.embed_tokens.weight 10x4 model.layers.0.moe.experts.{0,1}.{gate,up}_proj.weight 6x4 "
     "model.layers.0.moe.experts.{0,1}.down_proj.weight 4x6 model.layers.0.moe.gate.weight 2x4 "
     "model.layers.0.moe.router_bias 2"},
    {"sarvam_mla", R"({"n_routed_experts": 4, "num_experts_per_tok": 1})",
     "model.word_embeddings.weight 10x4 model.layers.0.mlp.experts.{0,1,2,3}.{gate,up}_proj.weight 6x4 "
     "model.layers.0.mlp.experts.{0,1,2,3}.down_proj.weight 4x6 model.layers.0.mlp.gate.weight 4x4 "
     "model.layers.0.mlp.gate.expert_bias 4",
     "model.word_embeddings.weight 10x4 model.layers.0.mlp.experts.{0,1}.{gate,up}_proj.weight 6x4 "
     "model.layers.0.mlp.experts.{0,1}.down_proj.weight 4x6 model.layers.0.mlp.gate.weight 2x4 "
     "model.layers.0.mlp.gate.expert_bias 2"},
    {"kimi_k3", R"({"num_experts": 4, "num_experts_per_token": 1, "routed_expert_hidden_size": 3})",
     "language_model.model.embed_tokens.weight 10x4 "
     "language_model.model.layers.0.block_sparse_moe.experts.{0,1,2,3}.{w1,w3}.weight 6x3 "
     "language_model.model.layers.0.block_sparse_moe.experts.{0,1,2,3}.w2.weight 3x6 "
     "language_model.model.layers.0.block_sparse_moe.gate.weight 4x4 "
     "language_model.model.layers.0.block_sparse_moe.gate.e_score_correction_bias 4 "
     "language_model.model.layers.0.block_sparse_moe.routed_expert_down_proj.weight 3x4",
     "language_model.model.embed_tokens.weight 10x4 "
     "language_model.model.layers.0.block_sparse_moe.experts.{0,1}.{w1,w3}.weight 6x3 "
     "language_model.model.layers.0.block_sparse_moe.experts.{0,1}.w2.weight 3x6 "
     "language_model.model.layers.0.block_sparse_moe.gate.weight 2x4 "
     "language_model.model.layers.0.block_sparse_moe.gate.e_score_correction_bias 2 "
     "language_model.model.layers.0.block_sparse_moe.routed_expert_down_proj.weight 3x4"},
    {"inkling2_loop", R"({"n_routed_experts": 4, "num_experts_per_tok": 1})",
     "model.llm.embed.weight 10x4 model.llm.layers.0.mlp.experts.w13_weight 4x12x4 "
     "model.llm.layers.0.mlp.experts.w2_weight 4x4x6 model.llm.layers.0.mlp.gate.weight 4x4 "
     "model.llm.layers.0.mlp.gate.bias 4",
     "model.llm.embed.weight 10x4 model.llm.layers.0.mlp.experts.w13_weight 2x12x4 "
     "model.llm.layers.0.mlp.experts.w2_weight 2x4x6 model.llm.layers.0.mlp.gate.weight 2x4 "
     "model.llm.layers.0.mlp.gate.bias 2"},
    {"qwen3_omni_moe", R"({"num_experts": 4, "num_experts_per_tok": 1})",
     "thinker.model.embed_tokens.weight 10x4 "
     "{thinker,talker}.model.layers.0.mlp.experts.{0,1,2,3}.{gate,up}_proj.weight 6x4 "
     "{thinker,talker}.model.layers.0.mlp.experts.{0,1,2,3}.down_proj.weight 4x6 "
     "{thinker,talker}.model.layers.0.mlp.gate.weight 4x4",
     "thinker.model.embed_tokens.weight 10x4 "
     "thinker.model.layers.0.mlp.experts.{0,1}.{gate,up}_proj.weight 6x4 "
     "thinker.model.layers.0.mlp.experts.{0,1}.down_proj.weight 4x6 "
     "thinker.model.layers.0.mlp.gate.weight 2x4 "
     "talker.model.layers.0.mlp.experts.{0,1,2,3}.{gate,up}_proj.weight 6x4 "
     "talker.model.layers.0.mlp.experts.{0,1,2,3}.down_proj.weight 4x6 "
     "talker.model.layers.0.mlp.gate.weight 4x4"},
    {"llada_moe", R"({"num_experts": 4, "num_experts_per_tok": 1})",
     "model.embed_tokens.weight 10x4 model.layers.0.mlp.experts.{0,1,2,3}.{gate,up}_proj.weight 6x4 "
     "model.layers.0.mlp.experts.{0,1,2,3}.down_proj.weight 4x6 model.layers.0.mlp.gate.weight 4x4",
     "model.embed_tokens.weight 10x4 model.layers.0.mlp.experts.{0,1}.{gate,up}_proj.weight 6x4 "
     "model.layers.0.mlp.experts.{0,1}.down_proj.weight 4x6 model.layers.0.mlp.gate.weight 2x4"},
    {"rnd1", R"({"num_experts": 4, "num_experts_per_tok": 1})",
     "model.embed_tokens.weight 10x4 model.layers.0.mlp.experts.{0,1,2,3}.{gate,up}_proj.weight 6x4 "
     "model.layers.0.mlp.experts.{0,1,2,3}.down_proj.weight 4x6 model.layers.0.mlp.gate.weight 4x4",
     "model.embed_tokens.weight 10x4 model.layers.0.mlp.experts.{0,1}.{gate,up}_proj.weight 6x4 "
     "model.layers.0.mlp.experts.{0,1}.down_proj.weight 4x6 model.layers.0.mlp.gate.weight 2x4"},
    {"dots3_note", R"({"n_routed_experts": 4, "num_experts_per_tok": 1})",
     "model.embed_tokens.weight 10x4 model.layers.0.mlp.experts.{0,1,2,3}.{gate,up}_proj.weight 6x4 "
     "model.layers.0.mlp.experts.{0,1,2,3}.down_proj.weight 4x6 model.layers.0.mlp.gate.weight 4x4 "
     "model.layers.0.mlp.gate.e_score_correction_bias 4",
     "model.embed_tokens.weight 10x4 model.layers.0.mlp.experts.{0,1}.{gate,up}_proj.weight 6x4 "
     "model.layers.0.mlp.experts.{0,1}.down_proj.weight 4x6 model.layers.0.mlp.gate.weight 2x4 "
     "model.layers.0.mlp.gate.e_score_correction_bias 2"},
    {"arctic", R"({"num_local_experts": 4, "num_experts_per_tok": 1, "moe_layer_frequency": 1})",
     "model.embed_tokens.weight 10x4 model.layers.0.block_sparse_moe.experts.{0,1,2,3}.{w1,w3}.weight 6x4 "
     "model.layers.0.block_sparse_moe.experts.{0,1,2,3}.w2.weight 4x6 "
     "model.layers.0.block_sparse_moe.gate.weight 4x4 model.layers.0.residual_mlp.{w1,w3}.weight 6x4 "
     "model.layers.0.residual_mlp.w2.weight 4x6",
     "model.embed_tokens.weight 10x4 model.layers.0.block_sparse_moe.experts.{0,1}.{w1,w3}.weight 6x4 "
     "model.layers.0.block_sparse_moe.experts.{0,1}.w2.weight 4x6 "
     "model.layers.0.block_sparse_moe.gate.weight 2x4 model.layers.0.residual_mlp.{w1,w3}.weight 6x4 "
     "model.layers.0.residual_mlp.w2.weight 4x6"},
    {"smallthinker", R"({"moe_num_primary_experts": 4, "moe_num_active_primary_experts": 1})",
     "model.embed_tokens.weight 10x4 model.layers.0.block_sparse_moe.experts.{0,1,2,3}.{gate,up}.weight 6x4 "
     "model.layers.0.block_sparse_moe.experts.{0,1,2,3}.down.weight 4x6 "
     "model.layers.0.block_sparse_moe.primary_router.weight 4x4",
     "model.embed_tokens.weight 10x4 model.layers.0.block_sparse_moe.experts.{0,1}.{gate,up}.weight 6x4 "
     "model.layers.0.block_sparse_moe.experts.{0,1}.down.weight 4x6 "
     "model.layers.0.block_sparse_moe.primary_router.weight 2x4"},
    {"grok-1", R"({"num_local_experts": 4, "num_experts_per_tok": 1})",
     "model.embed_tokens.weight 10x4 model.layers.0.block_sparse_moe.experts.{0,1,2,3}.{w1,w3}.weight 6x4 "
     "model.layers.0.block_sparse_moe.experts.{0,1,2,3}.w2.weight 4x6 "
     "model.layers.0.block_sparse_moe.gate.weight 4x4",
     "model.embed_tokens.weight 10x4 model.layers.0.block_sparse_moe.experts.{0,1}.{w1,w3}.weight 6x4 "
     "model.layers.0.block_sparse_moe.experts.{0,1}.w2.weight 4x6 "
     "model.layers.0.block_sparse_moe.gate.weight 2x4"},
    {"aria_text", R"({"moe_num_experts": 4, "moe_topk": 1})",
     "model.embed_tokens.weight 10x4 model.layers.0.mlp.experts.fc1.weight 4x4x12 "
     "model.layers.0.mlp.experts.fc2.weight 4x6x4 model.layers.0.mlp.router.weight 4x4",
     "model.embed_tokens.weight 10x4 model.layers.0.mlp.experts.fc1.weight 2x4x12 "
     "model.layers.0.mlp.experts.fc2.weight 2x6x4 model.layers.0.mlp.router.weight 2x4"},
    {"aria", R"({"moe_num_experts": 4, "moe_topk": 1})",
     "language_model.model.embed_tokens.weight 10x4 "
     "language_model.model.layers.0.mlp.experts.fc1.weight 4x4x12 "
     "language_model.model.layers.0.mlp.experts.fc2.weight 4x6x4 "
     "language_model.model.layers.0.mlp.router.weight 4x4",
     "language_model.model.embed_tokens.weight 10x4 "
     "language_model.model.layers.0.mlp.experts.fc1.weight 2x4x12 "
     "language_model.model.layers.0.mlp.experts.fc2.weight 2x6x4 "
     "language_model.model.layers.0.mlp.router.weight 2x4"},
};

/// The config of a row: what all have, under the family's names, in the family's place.
json config_of(const ByHand& row) {
  const arch::ConfigNames& names = arch::family_named(row.model_type).config;
  json config{{"vocab_size", 10},
              {"num_attention_heads", 2},
              {"hidden_size", 4},
              {"num_hidden_layers", 1},
              {"intermediate_size", 6},
              {"moe_intermediate_size", 6},
              {"head_dim", 8},
              {"linear_num_key_heads", 1},
              {"linear_num_value_heads", 1},
              {"linear_key_head_dim", 2},
              {"linear_value_head_dim", 2},
              {"partial_rotary_factor", 0.5}};
  config.update(json::parse(row.config));
  std::string path(names.nested);
  while (!path.empty()) {
    const auto point = path.rfind('.');
    config = json{{path.substr(point == std::string::npos ? 0 : point + 1), config}};
    path = point == std::string::npos ? "" : path.substr(0, point);
  }
  config["model_type"] = row.model_type;
  return config;
}

/// The tensors of a line, and of a model that runs all that is not of experts and routers besides.
std::vector<SmallTensor> whole_of(const ByHand& row, const char* lines) {
  std::vector<SmallTensor> tensors = tensors_of(lines);
  if (!arch::family_named(row.model_type).can.missing.empty()) return tensors;
  const arch::ModelSpec spec = arch::read_spec(config_of(row), "config.json");
  for (const arch::ExpectedTensor& expected : arch::expected_tensors(spec)) {
    if (arch::is_of_expert(expected.key.role) || expected.key.role == arch::Role::kRouter) continue;
    const SmallTensor tensor = fixtures::small_tensor(spec, expected, fixtures::SmallStorage::kPublished);
    if (std::none_of(tensors.begin(), tensors.end(), [&](const auto& t) { return t.name == tensor.name; }))
      tensors.push_back(tensor);
  }
  std::sort(tensors.begin(), tensors.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return tensors;
}

class NamesByHand : public ::testing::TestWithParam<ByHand> {};
INSTANTIATE_TEST_SUITE_P(Families, NamesByHand, ::testing::ValuesIn(kRows));

TEST_P(NamesByHand, BeforeAndAfterPruning) {
  const fixtures::SurgeryFolder folder;
  fixtures::store(folder.model(), config_of(GetParam()), whole_of(GetParam(), GetParam().whole));
  folder.apply(fixtures::plan_keeping({0}, {1, 2}, 4, 1));
  EXPECT_EQ(lines_of(Checkpoint::open(folder.out())), lines_of(whole_of(GetParam(), GetParam().pruned)));
}

/// Hunyuan-A13B is published with lists of one number for each block.
TEST(NamesByHandOf, HunyuanWithLists) {
  const std::filesystem::path golden =
      std::filesystem::path(source_dir()) / "tests/golden/families/hunyuan_v1_moe/config.json";
  json config = read_json(golden);
  config["num_experts"] = {8, 8, 8};
  config["moe_topk"] = {2, 2, 2};
  config["num_shared_expert"] = {1, 1, 1};
  config["moe_intermediate_size"] = {16, 16, 16};
  const arch::ModelSpec spec = arch::read_spec(config, "c");
  EXPECT_EQ(spec.blocks[2].moe()->router.rule.experts_per_token, 2);
  EXPECT_EQ(spec.blocks[2].moe()->expert.width, 16);
  arch::ModelSpec pruned = spec;
  for (arch::BlockSpec& block : pruned.blocks) block.moe()->experts = 5;
  const json after = arch::write_spec(pruned, config);
  EXPECT_EQ(after.at("num_experts"), 5);
  EXPECT_EQ(after.at("moe_topk"), config.at("moe_topk"));
}

/// Next-token layers beside the blocks go with all that is in their module.
TEST(NextTokenModules, AreDropped) {
  const ByHand row{"qwen3_next", R"({"num_experts": 4, "num_experts_per_tok": 1})", "", ""};
  const fixtures::SurgeryFolder folder;
  fixtures::store(folder.model(), config_of(row),
                  whole_of(row,
                           "model.embed_tokens.weight 10x4 "
                           "{model,mtp}.layers.0.mlp.experts.{0,1,2,3}.{gate,up}_proj.weight 6x4 "
                           "{model,mtp}.layers.0.mlp.experts.{0,1,2,3}.down_proj.weight 4x6 "
                           "{model,mtp}.layers.0.mlp.gate.weight 4x4 mtp.fc.weight 4x8 mtp.norm.weight 4"));
  folder.apply(fixtures::plan_keeping({0}, {1, 2}, 4, 1), {.next_token = NextTokenLayers::kDrop});
  for (const std::string& line : lines_of(Checkpoint::open(folder.out())))
    EXPECT_FALSE(line.starts_with("mtp.")) << line;
}

/// Lists of a quantiser name experts by number, below whatever stands before the blocks.
TEST(QuantisersLists, AreRenumberedInNestedModels) {
  const ByHand row{"kimi_k3", R"({"num_experts": 4, "num_experts_per_token": 1})", "", ""};
  const std::string module = "language_model.model.layers.0.block_sparse_moe.";
  const std::string experts = module + "experts.";
  json config = config_of(row);
  config["quantization_config"] = {{"quant_method", "compressed-tensors"},
                                   {"ignore", {experts + "0.w1", experts + "2.w1", "lm_head"}}};
  const std::string tensors = "language_model.model.embed_tokens.weight 10x4 " + experts +
                              "{0,1,2,3}.{w1,w3}.weight 6x4 " + experts + "{0,1,2,3}.w2.weight 4x6 " +
                              module + "gate.weight 4x4 " + module + "gate.e_score_correction_bias 4";
  const fixtures::SurgeryFolder folder;
  fixtures::store(folder.model(), config, tensors_of(tensors.c_str()));
  write_file(folder.model() / "hf_quant_config.json",
             json{{"quantization", {{"exclude_modules", {experts + "1.w2", experts + "3.*"}}}}}.dump());
  folder.apply(fixtures::plan_keeping({0}, {1, 2}, 4, 1));
  EXPECT_EQ(read_json(folder.out() / "config.json").at("quantization_config").at("ignore"),
            (json{experts + "1.w1", "lm_head"}));
  const json excluded = read_json(folder.out() / "hf_quant_config.json").at("quantization");
  EXPECT_EQ(excluded.at("exclude_modules").at(0), experts + "0.w2");
}

/// No expert of a family whose neighbours share one.
TEST(NamesByHandOf, GroveMoe) {
  const ByHand row{"grove_moe", R"({"num_experts": 4, "num_experts_per_tok": 1})", "", ""};
  const fixtures::SurgeryFolder folder;
  fixtures::store(folder.model(), config_of(row),
                  tensors_of("model.embed_tokens.weight 10x4 "
                             "model.layers.0.mlp.experts.{0,1,2,3}.{gate,up}_proj.weight 6x4 "
                             "model.layers.0.mlp.experts.{0,1,2,3}.down_proj.weight 4x6 "
                             "model.layers.0.mlp.chunk_experts.{0,1}.up_proj.weight 6x4 "
                             "model.layers.0.mlp.gate.weight 4x4"));
  EXPECT_THROW(folder.apply(fixtures::plan_keeping({0}, {1, 2}, 4, 1)), UserError);
}

/// A golden's inner config and tensors, as a file of the language model alone.
struct Alone {
  const char *folder, *model_type;
};
class LanguageModelAlone : public ::testing::TestWithParam<Alone> {};
INSTANTIATE_TEST_SUITE_P(
    Families, LanguageModelAlone,
    ::testing::Values(Alone{"qwen3_vl_moe", "qwen3_vl_moe_text"}, Alone{"qwen4_exp", "qwen4_exp_text"},
                      Alone{"glm5_next", "glm5_next_text"}, Alone{"gemma4", "gemma4_text"},
                      Alone{"minimax_m3_vl", "minimax_m3_vl_text"}, Alone{"muse_spark", "muse_spark_text"},
                      Alone{"glm4v_moe", "glm4v_moe_text"}, Alone{"mistral4", "mistral4"}),
    [](const auto& row) { return std::string(row.param.model_type); });

TEST_P(LanguageModelAlone, HasTheExpertsOfTheWhole) {
  const Checkpoint whole =
      Checkpoint::open(std::filesystem::path(source_dir()) / "tests/golden/families" / GetParam().folder);
  const arch::DescribedModel model = arch::describe(whole);
  const std::string modules(arch::family_named(model.spec.family).modules);
  json config = whole.config().at("text_config");
  config["model_type"] = GetParam().model_type;
  std::vector<SmallTensor> tensors;
  for (const std::string_view name : whole.names()) {
    const TensorView tensor = whole.tensor(name);
    if (name.starts_with(modules))
      tensors.push_back({"model." + std::string(name.substr(modules.size())),
                         tensor.dtype,
                         {tensor.shape.begin(), tensor.shape.end()}});
    else if (name.ends_with("lm_head.weight"))
      tensors.push_back({"lm_head.weight", tensor.dtype, {tensor.shape.begin(), tensor.shape.end()}});
  }
  const TemporaryFolder folder;
  const Topology alone = arch::describe(fixtures::store(folder.path(), config, tensors)).topology;
  ASSERT_EQ(alone.layers.size(), model.topology.layers.size());
  for (std::size_t i = 0; i < alone.layers.size(); ++i) {
    EXPECT_EQ(alone.layers[i].num_experts, model.topology.layers[i].num_experts);
    EXPECT_EQ(alone.layers[i].parameters_per_expert, model.topology.layers[i].parameters_per_expert);
  }
}

}  // namespace
}  // namespace espalier
