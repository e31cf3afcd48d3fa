// config.json of vision models: what each field comes to, and back.
#include <gtest/gtest.h>

#include "arch/family.h"
#include "unit/base/user_error.h"

namespace espalier::arch {
namespace {

using fixtures::expect_user_error;
using nlohmann::json;

json small() {
  return {{"model_type", "espalier_vmoe"},
          {"image_size", 8},
          {"patch_size", 4},
          {"hidden_size", 8},
          {"num_hidden_layers", 4},
          {"num_attention_heads", 2},
          {"intermediate_size", 16},
          {"moe_layers", {1, 3}},
          {"num_experts", {4, 2}},
          {"num_experts_per_tok", 2},
          {"capacity_factor", 1.5},
          {"author", "kept"}};
}

ModelSpec parsed(const json& config) {
  return read_spec(config, "config.json");
}

const Router& router_of(const ModelSpec& spec, std::int64_t block) {
  return spec.block(block).moe()->router;
}

TEST(VisionSpec, DefaultsAndSizes) {
  const ModelSpec spec = parsed(small());
  EXPECT_EQ(spec.positions(), 5);
  EXPECT_EQ(spec.image().patch_values(), 48);
  EXPECT_EQ(spec.block(0).moe(), nullptr);
  EXPECT_EQ(spec.block(3).experts(), 2);
  const Router& router = router_of(spec, 3);
  EXPECT_EQ(router.rows, 2);
  EXPECT_EQ(router.capacity_experts, 2);
  EXPECT_TRUE(router.expert_rows.empty());
  EXPECT_EQ(router.chooser, WhoChooses::kTokens);
  EXPECT_EQ(spec.members, 1);
}

TEST(VisionSpec, SurvivesAFileWithWhatItDoesNotKnow) {
  auto config = small();
  config["router_rows"] = {4, 6};
  config["expert_rows"] = {{0, 1, 2, 3}, {2, 5}};
  config["id2label"] = {{"0", "cat"}, {"1", "dog"}};
  const auto once = write_spec(parsed(config), config);
  EXPECT_EQ(once["author"], "kept");
  EXPECT_EQ(write_spec(parsed(once), once), once);
  EXPECT_EQ(parsed(once).heads.labels, (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(router_of(parsed(once), 1).expert_rows.size(), 0U) << "all rows in order say nothing";
  EXPECT_EQ(router_of(parsed(once), 3).expert_rows, (std::vector<std::int64_t>{2, 5}));
}

struct BadConfig {
  const char* field;
  json value;
  const char* message;
};

TEST(VisionSpec, ImpossibleOnesAreUserErrors) {
  const std::vector<BadConfig> bad{
      {"patch_size", 3, "patch_size: 3 does not divide image_size 8"},
      {"num_attention_heads", 3, "3 heads do not divide the width 8"},
      {"num_experts_per_tok", 3, "3 experts per token, but a token can reach 2"},
      {"moe_layers", {1, 4}, "block 4: there are 4 blocks"},
      {"moe_layers", {3, 1}, "expected ascending blocks"},
      {"num_experts", {4}, "1 entries, expected one for each of the 2 moe_layers"},
      {"num_experts", 0, "num_experts"},
      {"router", "tokens", "found \"tokens\", expected \"token_choice\" or \"expert_choice\""},
      {"router_rows", {4, 1}, "block 3: 1 rows for 2 experts"},
      {"router_rows", {4, 3}, "expert_rows: block 3: missing: the router has 3 rows for 2 experts"},
      {"expert_rows", {{0, 1, 2, 3}, {1, 0}}, "block 3: [1, 0], expected ascending rows under 2"},
      {"expert_rows", {{0, 1, 2}, {0, 1}}, "block 1: 3 rows for 4 experts"},
      {"novice_layers", {2}, "novice_layers: block 2 is not one of moe_layers"},
      {"novice_layers", {3}, "novice_layers: block 3: every row of the router has an expert"},
      {"novice_layers", "all", "novice_layers"},
      {"expert_rows", {{0, 1, 2, -3}, {0, 1}}, "found -3, expected rows of the router"},
      {"ensemble_size", 3, "3 members do not divide"},
      {"image_size", "8", "image_size"},
      {"capacity_factor", 0, "capacity_factor"},
  };
  for (const auto& [field, value, message] : bad) {
    SCOPED_TRACE(message);
    auto config = small();
    config[field] = value;
    expect_user_error([&] { parsed(config); }, {"config.json: ", message});
  }
  auto config = small();
  config["router"] = "expert_choice";
  config.erase("capacity_factor");
  expect_user_error([&] { parsed(config); }, {"capacity_factor: missing", "experts that choose"});
  config = small();
  config.erase("moe_layers");
  config["ensemble_size"] = 2;
  expect_user_error([&] { parsed(config); }, {"members differ in their experts"});
}

}  // namespace
}  // namespace espalier::arch
