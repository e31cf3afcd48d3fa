// Every folder of tests/golden/families, on files alone: what `inspect` says of it, and the checkpoint that
// its pruned.json makes, byte for byte, against expected.json, which shares nothing with the program
// (make_expected.py there).
#include <gtest/gtest.h>

#include "arch/inspect.h"
#include "base/hash.h"
#include "golden/pruned_golden.h"
#include "paths.h"
#include "surgery/verify.h"
#include "temporary_folder.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

fs::path goldens() {
  return fs::path(source_dir()) / "tests/golden/families";
}

const json& expected() {
  static const json all = read_json(goldens() / "expected.json");
  return all;
}

std::vector<std::string> folders() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(goldens()))
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

/// Of lines "NAME DTYPE 4x64", each followed by the tensor's bytes, by name.
std::string sha256_of(const Checkpoint& checkpoint) {
  Sha256 hash;
  for (const std::string_view name : checkpoint.names()) {
    const TensorView tensor = checkpoint.tensor(name);
    std::string line = std::string(name) + " " + std::string(espalier::name(tensor.dtype)) + " ";
    for (std::size_t i = 0; i < tensor.shape.size(); ++i)
      line += (i == 0 ? "" : "x") + std::to_string(tensor.shape[i]);
    line += "\n";
    hash.update(std::as_bytes(std::span(line)));
    hash.update(tensor.bytes);
  }
  return hash.hex();
}

class FamilyGolden : public ::testing::TestWithParam<std::string> {
 protected:
  fs::path folder() const { return goldens() / GetParam(); }
  const json& row() const { return expected().at(GetParam()); }
};
INSTANTIATE_TEST_SUITE_P(Folders, FamilyGolden, ::testing::ValuesIn(folders()), [](const auto& golden) {
  std::string name = golden.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST_P(FamilyGolden, IsInspectedRightly) {
  const json found = to_json(inspect(Checkpoint::open(folder())));
  json experts = json::object();
  for (const json& layer : found.at("moe_layers"))
    experts[std::to_string(layer.at("layer").get<int>())] = layer.at("num_experts");
  EXPECT_EQ(found.at("model_type"), row().at("model_type"));
  EXPECT_EQ(experts, row().at("experts"));
  EXPECT_EQ(found.at("experts_per_token"), row().at("experts_per_token"));
  EXPECT_EQ(found.at("router").at("score"), row().at("score"));
  EXPECT_EQ(found.at("parameters"), row().at("parameters"));
  EXPECT_EQ(found.at("parameters_per_token"), row().at("parameters_per_token"));
  const json shared = found.value("shared_experts", json{{"count", 0}, {"inner_width", 0}});
  EXPECT_EQ(shared.at("count"), row().at("shared_experts"));
  EXPECT_EQ(shared.at("inner_width"), row().at("shared_width"));
}

TEST_P(FamilyGolden, IsPrunedByteForByte) {
  if (!row().contains("pruned_sha256")) GTEST_SKIP() << "cannot lose these experts, see its own test";
  const TemporaryFolder work;
  const fs::path pruned = prune_golden(folder(), work.path());
  verify_files(folder(), pruned, work / "plan.json", {}, [](const Progress&) {});
  const Checkpoint after = Checkpoint::open(pruned);
  EXPECT_EQ(sha256_of(after), row().at("pruned_sha256"));
  const Topology topology = inspect(after).topology;  // config.json and tensors agree
  const json keep = read_json(folder() / "pruned.json").at("keep");
  for (const MoeLayerTensors& layer : topology.layers)
    EXPECT_EQ(layer.num_experts, keep.at(static_cast<std::size_t>(layer.layer)).size());
}

/// Nothing of config.json but its counts is another.
TEST_P(FamilyGolden, ConfigKeepsAllElse) {
  if (!row().contains("pruned_sha256")) GTEST_SKIP();
  const TemporaryFolder work;
  const json before = read_json(folder() / "config.json").flatten();
  const json after = read_json(prune_golden(folder(), work.path()) / "config.json").flatten();
  ASSERT_EQ(before.size(), after.size());
  int changed = 0;
  for (const auto& [key, value] : before.items()) {
    if (after.at(key) == value) continue;
    EXPECT_NE(key.find("experts"), std::string::npos) << key;
    ++changed;
  }
  EXPECT_EQ(changed, 1);
}

TEST(FamilyGoldens, ExpertsThatAreLookedUpByTokenStay) {
  const fs::path folder = goldens() / "deepseek_v4-hash";
  const Topology topology = inspect(Checkpoint::open(folder)).topology;
  const auto fit = [&](std::vector<int> layers, const SurgeryOptions& options) {
    Plan plan;
    plan.provenance = {"keep_list", "one_shot", 0, topology.sha256, {}, {}};
    plan.experts_per_token = 2;
    for (const int layer : layers) plan.layers.push_back({layer, 8, {0, 1, 2, 3, 4}, {}, {}, {}});
    return fit_plan(plan, "p", Checkpoint::open(folder), options);
  };
  fixtures::expect_user_error(
      [&] {
        fit({0, 1, 2}, {});
      },
      {"p: layer 0: its experts are looked up by token", "layers.0.ffn.gate.tid2eid",
       "names expert 5, which the plan removes", "--skip-layers 0"});
  fixtures::expect_user_error([&] { fit({1, 2}, {}); }, {"config.json has one count for all layers"});
  const Surgery whole = fit({1, 2}, {.unequal = UnequalCounts::kAsList});
  EXPECT_EQ(whole.layers[0].keep.size(), 8U);
  EXPECT_EQ(whole.layers[1].keep.size(), 5U);
}

TEST(FamilyGoldens, OneCountForTwoKindsOfExperts) {
  const fs::path folder = goldens() / "jetmoe";
  Plan plan;
  plan.provenance = {"keep_list", "one_shot", 0, {}, {}, {}};
  plan.experts_per_token = 2;
  for (const int layer : {0, 1, 2}) plan.layers.push_back({layer, 6, {0, 1, 2}, {}, {}, {}});
  fixtures::expect_user_error([&] { fit_plan(plan, "p", Checkpoint::open(folder), {}); },
                              {"p: layer 0: experts of jetmoe cannot be removed", "attention has experts"});
  for (LayerPlan& layer : plan.layers) layer.keep = {0, 1, 2, 3, 4, 5};
  EXPECT_NO_THROW(fit_plan(plan, "p", Checkpoint::open(folder), {}));
}

}  // namespace
}  // namespace espalier
