// What a plan makes of a model's description.
#include "arch/after_plan.h"

#include <gtest/gtest.h>

#include "arch/family.h"

namespace espalier::arch {
namespace {

/// A vision model, whose family keeps router rows: four experts in blocks 1 and 2.
ModelSpec vision(const char* router = "token_choice") {
  const nlohmann::json config{{"model_type", "espalier_vmoe"},
                              {"image_size", 8},
                              {"patch_size", 4},
                              {"hidden_size", 8},
                              {"num_hidden_layers", 3},
                              {"num_attention_heads", 2},
                              {"intermediate_size", 12},
                              {"moe_layers", {1, 2}},
                              {"num_experts", 4},
                              {"num_experts_per_tok", 2},
                              {"router", router},
                              {"capacity_factor", 1.5}};
  return read_spec(config, "config.json");
}

Plan keeping(std::vector<int> experts, int of, PlanRouter router) {
  Plan plan;
  plan.router = router;
  plan.experts_per_token = 2;
  plan.layers.push_back({});
  plan.layers[0].layer = 1;
  plan.layers[0].num_experts_before = of;
  plan.layers[0].keep = std::move(experts);
  return plan;
}

void expect_layer(const ModelSpec& spec, std::int64_t experts, std::int64_t rows,
                  const std::vector<std::int64_t>& expert_rows, std::int64_t capacity_experts) {
  const MixtureOfExperts& moe = *spec.block(1).moe();
  EXPECT_EQ(moe.experts, experts);
  EXPECT_EQ(moe.router.rows, rows);
  EXPECT_EQ(moe.router.expert_rows, expert_rows);
  EXPECT_EQ(moe.router.capacity_experts, capacity_experts);
}

TEST(AfterPlan, ZeroOutputKeepsTheRowsAndRerouteDoesNot) {
  const ModelSpec once = after_plan(vision(), keeping({1, 2, 3}, 4, PlanRouter::kZeroOutput));
  expect_layer(once, 3, 4, {1, 2, 3}, 4);
  EXPECT_FALSE(once.block(1).moe()->router.novices);
  Plan again = keeping({0, 2}, 3, PlanRouter::kZeroOutput);
  again.layers[0].novices = {{1, {0.5F}}};
  const ModelSpec twice = after_plan(once, again);
  expect_layer(twice, 2, 4, {1, 3}, 4);  // in the numbers of the model that the plan applies to
  EXPECT_TRUE(twice.block(1).moe()->router.novices);
  expect_layer(after_plan(vision(), keeping({0, 2}, 4, PlanRouter::kReroute)), 2, 2, {}, 2);
}

TEST(AfterPlan, ExpertsThatChooseTakeAsManyTokensAsBefore) {
  expect_layer(after_plan(vision("expert_choice"), keeping({0, 2}, 4, PlanRouter::kReroute)), 2, 2, {}, 4);
}

}  // namespace
}  // namespace espalier::arch
