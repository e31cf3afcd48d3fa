#include "artifacts/plan.h"

#include <gtest/gtest.h>

#include "temporary_folder.h"

namespace espalier {
namespace {

Plan merging_plan() {
  Plan plan;
  plan.provenance = {.criterion = "reap", .schedule = "one_shot", .seed = 42};
  plan.provenance.topology_sha256 = std::string(64, '0');
  plan.experts_per_token = 2;
  LayerPlan layer{.layer = 0, .num_experts_before = 4, .keep = {0, 3}};
  layer.merge = {{.into = 0, .from = {0, 2}, .weights = {0.7, 0.3}}};
  layer.reason = {{1, "reap 0.004, rank 4 of 4"}, {2, "joins \"0\""}};
  plan.layers = {layer, {.layer = 5, .num_experts_before = 2, .keep = {0, 1}, .original = {1, 6}}};
  return plan;
}

TEST(PlanFile, IsReadBackExactly) {
  const TemporaryFolder folder;
  write_plan(folder / "plan-000.json", merging_plan());
  const Plan back = read_plan(folder / "plan-000.json");
  EXPECT_EQ(plan_to_json(back), plan_to_json(merging_plan()));
  EXPECT_EQ(back.provenance.criterion, "reap");
  EXPECT_EQ(back.provenance.schedule, "one_shot");
  EXPECT_EQ(back.provenance.seed, 42u);
  EXPECT_EQ(back.provenance.topology_sha256, std::string(64, '0'));
  EXPECT_FALSE(back.provenance.window);
  EXPECT_EQ(back.router, PlanRouter::kReroute);
  EXPECT_EQ(back.experts_per_token, 2);
  ASSERT_EQ(back.layers.size(), 2u);
  EXPECT_EQ(back.layers[0].keep, (std::vector<int>{0, 3}));
  ASSERT_EQ(back.layers[0].merge.size(), 1u);
  EXPECT_EQ(back.layers[0].merge[0].from, (std::vector<int>{0, 2}));
  EXPECT_EQ(back.layers[0].merge[0].weights, (std::vector<double>{0.7, 0.3}));
  EXPECT_EQ(back.layers[0].reason, merging_plan().layers[0].reason);
  EXPECT_TRUE(back.layers[0].original.empty());
  EXPECT_EQ(back.layers[1].num_experts_before, 2);
  EXPECT_EQ(back.layers[1].original, (std::vector<int>{1, 6}));
}

TEST(PlanFile, TheWindowAndTheRouterAreReadBack) {
  Plan plan = merging_plan();
  plan.provenance.window = 3;
  plan.provenance.step = 1200;
  plan.router = PlanRouter::kZeroOutput;
  const Plan back = plan_from_json(plan_to_json(plan), "file");
  EXPECT_EQ(back.provenance.window, 3);
  EXPECT_EQ(back.provenance.step, 1200);
  EXPECT_EQ(back.router, PlanRouter::kZeroOutput);
}

TEST(PlanFile, ConstantsInThePlaceOfExpertsAreReadBackToTheBit) {
  Plan plan = merging_plan();
  plan.router = PlanRouter::kZeroOutput;
  plan.layers[0].merge.clear();
  plan.layers[0].novices = {{1, {0.1F, -3.4028235e38F}}, {2, {1e-45F, 0.333333343F}}};
  EXPECT_EQ(plan_from_json(plan_to_json(plan), "file").layers[0].novices, plan.layers[0].novices);
  EXPECT_NE(plan_to_json(plan).find("[0.1,"), std::string::npos) << "as short as a float allows";
}

TEST(PlanFile, TheExampleOfTheInterfaceIsRead) {
  const Plan plan = plan_from_json(R"({ "format": "espalier.plan/1",
    "provenance": { "criterion": "reap", "schedule": "one_shot", "seed": 42 },
    "router": "reroute", "experts_per_token": 2,
    "layers": [ { "layer": 0, "num_experts_before": 8, "keep": [0, 3, 5, 6],
                  "merge": [ { "into": 0, "from": [0, 2], "weights": [0.7, 0.3] } ],
                  "reason": { "1": "reap 0.004, rank 8 of 8" } } ] })",
                                   "file");
  EXPECT_EQ(plan.layers[0].keep.size(), 4u);
  EXPECT_EQ(plan.layers[0].reason.at(1), "reap 0.004, rank 8 of 8");
}

TEST(Plan, OnlyOneThatKeepsFewerDropsAnything) {
  Plan plan = merging_plan();
  EXPECT_TRUE(drops_anything(plan));
  plan.layers.erase(plan.layers.begin());
  EXPECT_FALSE(drops_anything(plan));
  plan.layers.clear();
  EXPECT_FALSE(drops_anything(plan));
}

TEST(Plan, SurvivorsKeepTheirNumbersOfTheStart) {
  LayerPlan layer{.layer = 0, .num_experts_before = 4, .keep = {1, 3}};
  EXPECT_EQ(surviving_originals(layer), (std::vector<int>{1, 3}));
  layer.original = {2, 5, 6, 11};
  EXPECT_EQ(surviving_originals(layer), (std::vector<int>{5, 11}));
  LayerPlan next{.layer = 0, .num_experts_before = 2, .keep = {1}, .original = surviving_originals(layer)};
  EXPECT_EQ(surviving_originals(next), (std::vector<int>{11}));
}

TEST(Plan, ALoneSurvivorAndARouterThatKeepsItsRowsNeedNoKSurvivors) {
  Plan plan;
  plan.experts_per_token = 2;
  plan.layers = {{.layer = 0, .num_experts_before = 8, .keep = {4}}};
  EXPECT_NO_THROW(validate(plan, "plan"));
  plan.experts_per_token = 3;
  plan.layers[0].keep = {4, 6};
  plan.router = PlanRouter::kZeroOutput;
  EXPECT_NO_THROW(validate(plan, "plan"));
}

}  // namespace
}  // namespace espalier
