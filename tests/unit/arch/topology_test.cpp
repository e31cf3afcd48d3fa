#include "arch/topology.h"

#include <gtest/gtest.h>

#include <set>

#include "arch/described_model.h"
#include "arch/inspect.h"
#include "temporary_folder.h"
#include "unit/arch/small_language_model.h"

namespace espalier {
namespace {

using fixtures::small_config;
using fixtures::small_tensors;
using fixtures::SmallStorage;
using fixtures::SmallTensor;
using fixtures::store;
using fixtures::store_small;

Topology topology_of(const Checkpoint& checkpoint) {
  return arch::describe(checkpoint).topology;
}

/// What the small model of a family has: which blocks carry experts, tensors of each expert, of the router
/// and stacked ones.
struct Expected {
  const char* model_type;
  std::vector<std::int64_t> layers;
  std::size_t of_expert, of_router, stacked;
  std::int64_t parameters_per_expert = 3 * 24;  // gate, up, down of 4 x 6
};

std::ostream& operator<<(std::ostream& out, const Expected& expected) {
  return out << expected.model_type;
}

const std::vector<Expected> kExpected{
    {"mixtral", {0, 1, 2}, 3, 1, 0},       {"phimoe", {0, 1, 2}, 3, 1, 0},
    {"qwen2_moe", {0, 2}, 3, 1, 0},        {"qwen3_moe", {0, 2}, 3, 1, 0},
    {"qwen3_vl_moe", {0, 2}, 0, 1, 2},     {"olmoe", {0, 1, 2}, 3, 1, 0},
    {"deepseek", {1, 2}, 3, 1, 0},         {"deepseek_v2", {1, 2}, 3, 1, 0},
    {"deepseek_v3", {1, 2, 3}, 3, 2, 0},   {"glm4_moe", {1, 2, 3}, 3, 2, 0},
    {"glm4_moe_lite", {1, 2, 3}, 3, 2, 0}, {"gpt_oss", {0, 1, 2}, 0, 2, 6, (64 + 32) * 32 + 64 + 32},
    {"granitemoe", {0, 1, 2}, 0, 1, 2},    {"switch_transformers", {1, 3}, 2, 1, 0, 2 * 24},
};

class EveryLanguageModel : public ::testing::TestWithParam<Expected> {};
INSTANTIATE_TEST_SUITE_P(Table, EveryLanguageModel, ::testing::ValuesIn(kExpected),
                         [](const auto& row) { return std::string(row.param.model_type); });

TEST_P(EveryLanguageModel, ItsExpertsAreFound) {
  const TemporaryFolder folder;
  const Expected& expected = GetParam();
  const Topology topology = topology_of(store_small(folder.path(), expected.model_type));
  std::vector<std::int64_t> layers;
  for (const MoeLayerTensors& layer : topology.layers) {
    layers.push_back(layer.layer);
    EXPECT_EQ(layer.num_experts, 8);
    EXPECT_EQ(layer.router_tensors.size(), expected.of_router);
    EXPECT_EQ(layer.stacked_tensors.size(), expected.stacked);
    EXPECT_EQ(layer.expert_tensors.size(), expected.of_expert == 0 ? 0U : 8U);
    for (const auto& tensors : layer.expert_tensors) EXPECT_EQ(tensors.size(), expected.of_expert);
    EXPECT_EQ(layer.parameters_per_expert, expected.parameters_per_expert);
  }
  EXPECT_EQ(layers, expected.layers);
}

TEST_P(EveryLanguageModel, EveryTensorOfItsExpertsIsNamedOnceAndNoOther) {
  const TemporaryFolder folder;
  const Checkpoint checkpoint = store_small(folder.path(), GetParam().model_type);
  std::set<std::string> named;
  for (const MoeLayerTensors& layer : topology_of(checkpoint).layers) {
    for (const auto& name : layer.router_tensors) EXPECT_TRUE(named.insert(name).second) << name;
    for (const auto& name : layer.stacked_tensors) EXPECT_TRUE(named.insert(name).second) << name;
    for (const auto& tensors : layer.expert_tensors)
      for (const auto& name : tensors) EXPECT_TRUE(named.insert(name).second) << name;
  }
  for (const std::string_view name : checkpoint.names()) {
    const bool of_experts =
        name.find("experts.") != std::string::npos || name.find("gate.") != std::string::npos ||
        name.find("router.") != std::string::npos || name.find("_linear.") != std::string::npos;
    const bool shared = name.find("shared_expert") != std::string::npos;
    EXPECT_EQ(named.contains(std::string(name)), of_experts && !shared) << name;
  }
}

TEST_P(EveryLanguageModel, EstimatesAreTheFiguresOfTheSmallerModel) {
  const TemporaryFolder folder;
  const Inspection inspection = inspect(store_small(folder.path(), GetParam().model_type));
  ASSERT_FALSE(inspection.pruning.empty());
  const PruningEstimate& half = inspection.pruning.front();
  EXPECT_EQ(half.kept, 4);
  const Expected& expected = GetParam();
  const auto layers = static_cast<std::int64_t>(expected.layers.size());
  const std::string type = expected.model_type;
  const std::int64_t D = type == "gpt_oss" ? fixtures::kPackedWidth : fixtures::kSmallWidth;
  const std::int64_t router = D + (expected.of_router == 2 ? 1 : 0);  // a row, and an entry of the bias
  EXPECT_EQ(inspection.parameters - half.parameters, layers * 4 * (expected.parameters_per_expert + router));
  const std::int64_t run = layers - static_cast<std::int64_t>(inspection.topology.next_token_blocks.size());
  EXPECT_EQ(inspection.parameters_per_token - half.parameters_per_token, run * 4 * router);
}

TEST(EveryLanguageModelTable, IsTheTableOfFamilies) {
  std::vector<std::string_view> tested, known;
  for (const Expected& expected : kExpected) tested.emplace_back(expected.model_type);
  for (const arch::Family& family : fixtures::language_models()) known.push_back(family.model_type);
  EXPECT_EQ(tested, known);
}

TEST(Topology, StackedExpertsOfAnyFamily) {
  const TemporaryFolder folder;
  for (const char* type : {"mixtral", "qwen2_moe", "deepseek_v3"}) {
    const Topology topology = topology_of(store_small(folder / type, type, SmallStorage::kStacked));
    EXPECT_EQ(topology.layers.front().stacked_tensors.size(), 2U);
    EXPECT_TRUE(topology.layers.front().expert_tensors.empty());
    EXPECT_EQ(topology.layers.front().parameters_per_expert, 72);
  }
}

// Whatever is under an expert's number goes with it.
/// A small Mixtral of widths that integers of 4 bits fill words with.
nlohmann::json word_config() {
  nlohmann::json config = small_config("mixtral");
  config["hidden_size"] = 8;
  config["intermediate_size"] = 16;
  return config;
}
std::vector<SmallTensor> word_tensors() {
  std::vector<SmallTensor> tensors = small_tensors("mixtral");
  for (SmallTensor& tensor : tensors)
    for (std::int64_t& size : tensor.shape)
      size = size == fixtures::kSmallWidth ? 8 : size == fixtures::kSmallInner ? 16 : size;
  return tensors;
}

TEST(Topology, QuantisedExpertsOfAnySuffix) {
  const TemporaryFolder folder;
  std::vector<SmallTensor> tensors;
  for (const SmallTensor& tensor : word_tensors()) {
    if (tensor.name.find("experts.") == std::string::npos) {
      tensors.push_back(tensor);
      continue;
    }
    const std::string module = tensor.name.substr(0, tensor.name.rfind('.'));
    const std::int64_t out = tensor.shape[0], in = tensor.shape[1];
    tensors.push_back({module + ".qweight", Dtype::kI32, {in / 8, out}});
    tensors.push_back({module + ".qzeros", Dtype::kI32, {1, out / 8}});
    tensors.push_back({module + ".scales", Dtype::kF16, {1, out}});
    tensors.push_back({module + ".g_idx", Dtype::kI32, {in}});
  }
  const Topology topology = topology_of(store(folder.path(), word_config(), tensors));
  EXPECT_EQ(topology.layers[0].expert_tensors.at(7).size(), 12U);
  EXPECT_EQ(topology.layers[0].parameters_per_expert, 3 * 8 * 16);  // eight 4-bit weights in an integer
}

TEST(Topology, NextTokenLayersAreNotRunButShareTheCount) {
  const TemporaryFolder folder;
  const Topology topology = topology_of(store_small(folder.path(), "deepseek_v3"));
  EXPECT_EQ(topology.layers.back().kind, MoeLayerKind::kNextToken);
  EXPECT_EQ(topology.next_token_blocks, std::vector<std::int64_t>{3});
  EXPECT_EQ(topology.groups, 2);
  EXPECT_EQ(topology.top_groups, 1);
  // Published without the layer that config.json speaks of, the model has the same experts.
  std::vector<SmallTensor> without;
  for (const SmallTensor& tensor : small_tensors("deepseek_v3"))
    if (tensor.name.find("layers.3.") == std::string::npos) without.push_back(tensor);
  const Topology smaller = topology_of(store(folder / "without", small_config("deepseek_v3"), without));
  EXPECT_TRUE(smaller.next_token_blocks.empty());
  EXPECT_EQ(smaller.sha256, topology.sha256);
}

TEST(Topology, CountsMayBeAList) {
  const TemporaryFolder folder;
  auto config = small_config("deepseek");
  config["n_routed_experts"] = {nullptr, 8, 8};
  const auto topology = topology_of(store(folder.path(), config, small_tensors("deepseek")));
  EXPECT_EQ(topology.layers.size(), 2U);
  EXPECT_EQ(topology.sha256, topology_of(store_small(folder / "one", "deepseek")).sha256);
}

TEST(Topology, TheHashIsOfExpertsAndNotOfDtypes) {
  const TemporaryFolder folder;
  const auto hash = [&](const char* name, const nlohmann::json& config,
                        const std::vector<SmallTensor>& tensors) {
    return topology_of(store(folder / name, config, tensors)).sha256;
  };
  auto tensors = small_tensors("olmoe");
  const std::string first = hash("a", small_config("olmoe"), tensors);
  EXPECT_EQ(first.size(), 64U);
  for (SmallTensor& tensor : tensors) tensor.dtype = Dtype::kF32;
  EXPECT_EQ(hash("b", small_config("olmoe"), tensors), first);
  auto config = small_config("olmoe");
  config["num_experts_per_tok"] = 3;
  EXPECT_NE(hash("c", config, tensors), first);
  config["num_experts_per_tok"] = 2;
  config["intermediate_size"] = 7;
  for (SmallTensor& tensor : tensors)
    for (auto& size : tensor.shape)
      if (size == fixtures::kSmallInner) size = 7;
  EXPECT_NE(hash("d", config, tensors), first);
}

/// GPTQ at 4 bits with expert 3 left in BF16, or at 8 bits.
TEST(ExpertsStoredDifferently, AreOneLayersExperts) {
  for (const int bits_of_one : {16, 8}) {
    std::vector<SmallTensor> tensors;
    for (const SmallTensor& tensor : word_tensors()) {
      const bool odd = tensor.name.find(".experts.3.") != std::string::npos;
      if (tensor.name.find(".experts.") == std::string::npos || (odd && bits_of_one == 16)) {
        tensors.push_back(tensor);
        continue;
      }
      const std::int64_t out = tensor.shape[0], in = tensor.shape[1], bits = odd ? bits_of_one : 4;
      const std::string module = tensor.name.substr(0, tensor.name.rfind('.'));
      tensors.push_back({module + ".qweight", Dtype::kI32, {(in * bits + 31) / 32, out}});
      tensors.push_back({module + ".scales", Dtype::kF16, {1, out}});
      tensors.push_back({module + ".qzeros", Dtype::kI32, {1, (out * bits + 31) / 32}});
      tensors.push_back({module + ".g_idx", Dtype::kI32, {in}});
    }
    nlohmann::json config = word_config();
    config["quantization_config"] = {{"quant_method", "gptq"}, {"bits", 4}};
    const TemporaryFolder folder;
    const Checkpoint checkpoint = store(folder.path(), config, tensors);
    const Topology topology = topology_of(checkpoint);
    for (const MoeLayerTensors& layer : topology.layers) {
      EXPECT_EQ(layer.parameters_per_expert, 3 * 8 * 16) << bits_of_one;
      EXPECT_EQ(layer.expert_tensors[0].size(), 12U);
      EXPECT_EQ(layer.expert_tensors[3].size(), bits_of_one == 16 ? 3U : 12U);
    }
    EXPECT_EQ(inspect(checkpoint).parameters,
              inspect(store(folder / "plain", word_config(), word_tensors())).parameters);
  }
}

}  // namespace
}  // namespace espalier
