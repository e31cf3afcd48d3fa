#include "arch/tensor_names.h"

#include <gtest/gtest.h>

namespace espalier::arch {
namespace {

TEST(TensorNames, ReadsNamesAndRefusesOthers) {
  const TensorNames& names = names_of("deepseek_v3");
  const std::string name = "model.layers.12.mlp.experts.305.down_proj.weight_scale_inv";
  const auto parsed = names.parse(name);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->block.block, 12);
  EXPECT_EQ(parsed->expert, 305);
  EXPECT_EQ(parsed->role, "down_proj.weight_scale_inv");
  EXPECT_EQ(renumbered(name, *parsed, 7), "model.layers.12.mlp.experts.7.down_proj.weight_scale_inv");
  for (const char* other :
       {"model.layers.1.mlp.gate_proj.weight", "model.layers.1.mlp.shared_experts.up_proj.weight",
        "model.layers.1.mlp.shared_expert_gate.weight", "model.layers.x.mlp.gate.weight", "lm_head.weight",
        "model.layers.01.mlp.gate.weight", "model.layers.99999999999999999999.mlp.gate.weight", "",
        "mlp.gate.", "model.layers.-1.mlp.gate.weight"}) {
    EXPECT_FALSE(names.parse(other)) << other;
  }
  EXPECT_EQ(names.parse("model.layers.1.mlp.experts.01.w")->part, MoePart::kStacked);
}

}  // namespace
}  // namespace espalier::arch
