#include "prune/novice_plan.h"

#include <gtest/gtest.h>

#include "unit/base/user_error.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;

/// A layer of four experts of width 2; expert 3 is never chosen.
Observations image_observations() {
  Observations observations;
  observations.topology_sha256 = std::string(64, 'a');
  observations.model_type = "espalier_vmoe";
  observations.experts_per_token = 1;
  LayerObservations layer(1, 4, 2);
  layer.tokens = 14;
  layer.routed = {2, 8, 4, 0};
  layer.gate_sum = {1, 4, 2, 0};
  layer.output_sum = {3, -1, 8, 8, 1, 2, 0, 0};
  observations.layers.push_back(layer);
  return observations;
}

OneShotRule keep(const char* text, PlanRouter router = PlanRouter::kZeroOutput) {
  OneShotRule rule;
  rule.keep = parse_keep(text);
  rule.router = router;
  return rule;
}

TEST(NovicePlan, AMeanOutputTakesAnExpertsPlace) {
  const Plan plan = novice_plan(image_observations(), "frequency", keep("1"), 0);
  EXPECT_EQ(plan.router, PlanRouter::kZeroOutput);
  EXPECT_EQ(plan.provenance.criterion, "novice frequency");
  ASSERT_EQ(plan.layers.size(), 1u);
  const LayerPlan& layer = plan.layers[0];
  EXPECT_EQ(layer.keep, (std::vector<int>{1}));
  const std::map<int, std::vector<float>> expected{{0, {1.5F, -0.5F}}, {2, {0.25F, 0.5F}}};
  EXPECT_EQ(layer.novices, expected) << "expert 3 had no tokens";
  EXPECT_NE(layer.reason.at(2).find("mean output over 4 tokens"), std::string::npos) << layer.reason.at(2);
  EXPECT_NE(layer.reason.at(3).find("gives zero"), std::string::npos) << layer.reason.at(3);
}

TEST(NovicePlan, SaysWhatItNeeds) {
  auto language = image_observations();
  language.model_type = "mixtral";
  expect_user_error([&] { novice_plan(language, "frequency", keep("1"), 0); },
                    {"mixtral checkpoints have no place for the mean output", "--action drop"});
  expect_user_error(
      [&] { novice_plan(image_observations(), "frequency", keep("1", PlanRouter::kReroute), 0); },
      {"--router reroute", "--router zero_output"});
}

}  // namespace
}  // namespace espalier
