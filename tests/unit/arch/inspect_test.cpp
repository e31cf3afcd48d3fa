#include "arch/inspect.h"

#include "arch/described_model.h"

#include <gtest/gtest.h>

#include <set>

#include "paths.h"
#include "temporary_folder.h"
#include "unit/arch/stored_model.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;
using fixtures::store_model;
using fixtures::tiny_moe_config;

std::int64_t parameters_of(const nlohmann::json& config) {
  std::int64_t sum = 0;
  for (const arch::ExpectedTensor& tensor : arch::expected_tensors(arch::read_spec(config, "config.json")))
    sum += tensor.elements();
  return sum;
}

Topology stored_topology(const nlohmann::json& config) {
  const TemporaryFolder folder;
  const Checkpoint checkpoint = store_model(folder.path(), config);
  return arch::describe(checkpoint).topology;
}

TEST(Topology, ListsRoutersAndExperts) {
  const Topology topology = stored_topology(tiny_moe_config());
  ASSERT_EQ(topology.layers.size(), 2U);
  EXPECT_EQ(topology.layers[1].layer, 2);
  EXPECT_EQ(topology.layers[1].router, "bert.encoder.layer.2.moe.router.weight");
  EXPECT_EQ(topology.layers[1].expert_tensors.at(3).at(3),
            "bert.encoder.layer.2.moe.experts.3.output.dense.weight");
  EXPECT_EQ(topology.layers[1].parameters_per_expert, 6 * 4 + 6 + 4 * 6 + 4);
  EXPECT_EQ(topology.idle_parameters(), 2 * (4 - 2) * 58);
}

TEST(Topology, EveryTensorItNamesIsExpected) {
  std::set<std::string> expected;
  const arch::ModelSpec spec = arch::read_spec(tiny_moe_config(), "config.json");
  for (const arch::ExpectedTensor& tensor : arch::expected_tensors(spec))
    expected.insert(fixtures::published_name(spec, tensor.key));
  for (const MoeLayerTensors& layer : stored_topology(tiny_moe_config()).layers) {
    EXPECT_TRUE(expected.contains(layer.router));
    for (const auto& tensors : layer.expert_tensors) {
      for (const std::string& name : tensors) EXPECT_TRUE(expected.contains(name)) << name;
    }
  }
}

// The estimate must be what a model with that many experts really has.
TEST(Topology, RemovedParametersAreTheDifferenceToTheSmallerModel) {
  auto config = tiny_moe_config();
  config["num_experts"] = {4, nullptr, 3};
  config["num_experts_per_tok"] = 1;
  const Topology topology = stored_topology(config);
  for (const std::int64_t kept : {1, 2, 3, 4}) {
    auto pruned = config;
    pruned["num_experts"] = {kept, nullptr, std::min<std::int64_t>(kept, 3)};
    EXPECT_EQ(parameters_of(config) - topology.removed_parameters(kept), parameters_of(pruned)) << kept;
  }
}

TEST(Families, EveryRowIsCompleteAndFoundByItsModelType) {
  std::set<std::string_view> seen;
  for (const arch::Family& family : arch::families()) {
    EXPECT_TRUE(seen.insert(family.model_type).second) << family.model_type;
    EXPECT_FALSE(family.title.empty());
    EXPECT_TRUE(family.read != nullptr && family.write != nullptr);
    EXPECT_EQ(&arch::family_of({{"model_type", family.model_type}}, "c"), &family);
  }
}

TEST(Families, AnUnknownModelTypeListsTheKnownOnes) {
  expect_user_error(
      [] {
        arch::family_of({{"model_type", "gpt2"}}, "m/config.json");
      },
      {"m/config.json: model_type: \"gpt2\" is not a supported architecture",
       "known: bert, espalier_bert_moe, espalier_vmoe, mixtral, ", "src/arch/families"});
  expect_user_error([] { arch::family_of(nlohmann::json::object(), "m/config.json"); },
                    {"the field model_type is missing"});
}

TEST(Inspect, GoldenBert) {
  const Inspection inspection =
      inspect(Checkpoint::open(std::filesystem::path(source_dir()) / "tests/golden/bert"));
  EXPECT_EQ(inspection.parameters, 567168 / 4);
  EXPECT_EQ(inspection.parameters_per_token, inspection.parameters);
  EXPECT_TRUE(inspection.pruning.empty());
  const std::string text = to_text(inspection);
  EXPECT_NE(text.find("3 blocks, width 64, 4 heads, inner width 160, vocabulary 320, 64 positions"),
            std::string::npos);
  EXPECT_NE(text.find("MoE layers     none"), std::string::npos) << text;
  EXPECT_NE(text.find("141,792 in all, 141,792 per token"), std::string::npos) << text;
  EXPECT_NE(text.find("572,904 bytes"), std::string::npos) << text;
}

TEST(Inspect, SavingsAreThoseOfTheFilesOfSmallerModels) {
  const TemporaryFolder folder;
  const auto data_bytes = [](const Checkpoint& checkpoint) {
    std::uint64_t bytes = 0;
    for (const std::string_view name : checkpoint.names()) bytes += checkpoint.tensor(name).bytes.size();
    return bytes;
  };
  std::filesystem::create_directory(folder / "whole");
  const Checkpoint checkpoint = store_model(folder / "whole", tiny_moe_config());
  const Inspection inspection = inspect(checkpoint);
  EXPECT_EQ(inspection.parameters, parameters_of(tiny_moe_config()));
  EXPECT_EQ(inspection.parameters_per_token, inspection.parameters - 2 * 2 * 58);
  ASSERT_EQ(inspection.pruning.size(), 2U);
  for (const PruningEstimate& estimate : inspection.pruning) {
    auto smaller = tiny_moe_config();
    set_moe(smaller, {0, 2}, estimate.kept);
    smaller["num_experts_per_tok"] = 1;
    const std::filesystem::path path = folder / std::to_string(estimate.kept);
    std::filesystem::create_directory(path);
    const Checkpoint pruned = store_model(path, smaller);
    EXPECT_EQ(inspect(pruned).parameters, estimate.parameters);
    EXPECT_EQ(data_bytes(checkpoint) - data_bytes(pruned), estimate.saved_bytes);
  }
  EXPECT_EQ(inspection.pruning[0].kept, 2);
  EXPECT_EQ(inspection.pruning[1].kept, 1);
  const std::string text = to_text(inspection);
  EXPECT_NE(text.find("MoE layers     0, 2 with 4 experts each; 2 per token"), std::string::npos) << text;
  EXPECT_NE(text.find("fewer than a token visits now"), std::string::npos) << text;
  EXPECT_NE(text.find(", BF16"), std::string::npos) << text;
}

TEST(Inspect, JsonHasTheSameFigures) {
  const TemporaryFolder folder;
  const Inspection inspection = inspect(store_model(folder.path(), tiny_moe_config()));
  const nlohmann::json json = to_json(inspection);
  EXPECT_EQ(json.at("format"), "espalier.inspection/1");
  EXPECT_EQ(json.at("parameters"), inspection.parameters);
  EXPECT_EQ(json.at("moe_layers").at(1).at("layer"), 2);
  EXPECT_EQ(json.at("moe_layers").at(1).at("num_experts"), 4);
  EXPECT_EQ(json.at("pruning").at(0).at("saved_bytes"), inspection.pruning[0].saved_bytes);
  EXPECT_EQ(json.at("parameters_of_dtype").at("BF16"), inspection.parameters);
}

}  // namespace
}  // namespace espalier
