// What decisions come out is in tests/cases/window_plan; here is the rest.
#include "prune/window_plan.h"

#include <gtest/gtest.h>

#include <cmath>

#include "unit/base/user_error.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;

const WindowRule kRule{.steps = 100, .experts = 4};

Scores scores() {
  Scores result;
  result.criterion = "alpha";
  result.experts_per_token = 1;
  result.layers = {{3, {0.01, 0.5, 0.4, 0.09}, {1, 50, 40, 9}, {0, 2, 5, 6}}};
  return result;
}

WindowEnd first_window() {
  return window_ends(kRule).front();
}

TEST(WindowPlan, SaysWhereItComesFrom) {
  Scores measured = scores();
  measured.topology_sha256 = std::string(64, 'b');
  measured.window = ScoreWindow{.index = 1, .first_step = 1, .last_step = 25, .tokens = 100};
  const Plan plan = window_plan(measured, kRule, first_window(), 17);
  EXPECT_EQ(plan.provenance.criterion, "alpha");
  EXPECT_EQ(plan.provenance.schedule, "eager");
  EXPECT_EQ(plan.provenance.seed, 17u);
  EXPECT_EQ(plan.provenance.window, 1);
  EXPECT_EQ(plan.provenance.step, 25);
  EXPECT_EQ(plan.provenance.topology_sha256, std::string(64, 'b'));
  EXPECT_EQ(plan.router, PlanRouter::kReroute);
  ASSERT_EQ(plan.layers.size(), 1u);
  EXPECT_EQ(plan.layers[0].num_experts_before, 4);
  EXPECT_EQ(plan.layers[0].original, (std::vector<int>{0, 2, 5, 6}));
  EXPECT_EQ(surviving_originals(plan.layers[0]), (std::vector<int>{2, 5, 6}));
  EXPECT_EQ(plan_to_json(plan_from_json(plan_to_json(plan), "file")), plan_to_json(plan));
}

TEST(WindowPlan, AScoreThatIsNotANumberNamesLayerAndExpert) {
  Scores bad = scores();
  bad.layers[0].scores[2] = std::nan("");
  expect_user_error([&] { window_plan(bad, kRule, first_window(), 0); },
                    {"block 3", "expert 2 is nan", "diverged"});
}

TEST(WindowPlan, ScoresOfSomethingElseAreAUserError) {
  Scores other = scores();
  other.criterion = "hit_rate";
  expect_user_error([&] { window_plan(other, kRule, first_window(), 0); },
                    {"\"hit_rate\", expected \"alpha\""});
  other = scores();
  other.window = ScoreWindow{.index = 2, .first_step = 26, .last_step = 50};
  expect_user_error([&] { window_plan(other, kRule, first_window(), 0); }, {"window 2", "expected window 1"});
  other = scores();
  other.experts_per_token.reset();
  expect_user_error([&] { window_plan(other, kRule, first_window(), 0); }, {"experts_per_token is missing"});
}

TEST(WindowPlan, KIsNoMoreThanTheExpertsLeftWhereThereIsARouter) {
  Scores many = scores();
  many.experts_per_token = 4;
  EXPECT_EQ(window_plan(many, kRule, first_window(), 0).experts_per_token, 3);
  many.layers.push_back({5, {0.001, 0.999}, {1, 99}, {0, 1}});  // one is left: no router
  EXPECT_EQ(window_plan(many, kRule, first_window(), 0).experts_per_token, 3);
  EXPECT_EQ(window_plan(many, kRule, {2, 26, 50, true}, 0).experts_per_token, 1);
}

TEST(WindowPlan, WithoutLayersThereIsNothingToDo) {
  Scores none = scores();
  none.layers.clear();
  none.experts_per_token.reset();
  EXPECT_FALSE(drops_anything(window_plan(none, kRule, first_window(), 0)));
}

}  // namespace
}  // namespace espalier
