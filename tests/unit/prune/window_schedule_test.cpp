#include "prune/window_schedule.h"

#include <gtest/gtest.h>

#include <limits>

#include "unit/base/user_error.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;

WindowRule rule(std::int64_t steps, std::int64_t experts, double gamma = 1.0,
                ForceDrop force_drop = ForceDrop::kWindows) {
  return {.gamma = gamma, .force_drop = force_drop, .steps = steps, .experts = experts};
}

WindowRule staged(std::int64_t steps, std::int64_t experts, double gamma = 1.0) {
  WindowRule result = rule(steps, experts, gamma);
  result.schedule = PruneSchedule::kStaged;
  return result;
}

struct Row {
  const char* name;
  WindowRule rule;
  std::vector<std::int64_t> last_steps;
  bool last_is_forced;
};

const Row kRows[] = {
    {"SevenExperts", rule(100, 7), {14, 28, 42}, true},
    {"EightExperts", rule(100, 8), {12, 25, 37, 50}, true},
    {"OneStepEach", rule(8, 8), {1, 2, 3, 4}, true},
    {"TwoExperts", rule(9, 2), {4}, true},
    {"ThreeExpertsHaveOneWindow", rule(9, 3), {3}, true},
    {"OneExpertHasNothingToDrop", rule(9, 1), {}, false},
    {"ShortWindowsForceEarly", rule(100, 8, 0.2), {2, 5, 7, 10}, true},
    {"GammaIsADecimal", rule(10, 2, 0.3), {1}, true},          // 0.3 * 10 / 2 = 1.5
    {"GammaIsADecimalAtAWhole", rule(20, 2, 0.3), {3}, true},  // 3, though the double 0.3 is below it
    {"GammaWithManyDigits", rule(1000, 4, 0.123456789), {30, 61}, true},
    {"WideGamma", rule(100, 4, 2.0), {50, 100}, true},
    {"HalfOnAWindowsEnd", rule(100, 8, 1.0, ForceDrop::kHalf), {12, 25, 37, 50}, true},
    {"HalfCutsAWindow", rule(100, 7, 1.0, ForceDrop::kHalf), {14, 28, 42, 50}, true},
    {"HalfOfAnOddRun", rule(25, 4, 1.0, ForceDrop::kHalf), {6, 12}, true},
    {"HalfWithShortWindows", rule(40, 4, 0.2, ForceDrop::kHalf), {2, 4, 6, 8, 10, 12, 14, 16, 18, 20}, true},
    {"HalfWithOneLongWindow", rule(100, 4, 4.0, ForceDrop::kHalf), {50}, true},
    {"HalfOfTwoSteps", rule(2, 2, 1.0, ForceDrop::kHalf), {1}, true},
    {"NeverGoesOnToTheEnd", rule(100, 7, 1.0, ForceDrop::kNever), {14, 28, 42, 57, 71, 85, 100}, false},
    {"NeverLeavesARest", rule(10, 4, 1.2, ForceDrop::kNever), {3, 6, 9}, false},
    {"Staged", staged(100, 4), {25, 50, 75}, false},
    {"StagedWithShortWindows", staged(100, 5, 0.5), {10, 20, 30, 40}, false},
    {"StagedOfTwo", staged(5, 2), {2}, false},
};

class WindowEnds : public ::testing::TestWithParam<Row> {};
INSTANTIATE_TEST_SUITE_P(Table, WindowEnds, ::testing::ValuesIn(kRows),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_P(WindowEnds, AreWhereTheRulePutsThem) {
  const std::vector<WindowEnd> ends = window_ends(GetParam().rule);
  std::vector<std::int64_t> last_steps;
  for (const WindowEnd& end : ends) {
    last_steps.push_back(end.last_step);
    EXPECT_EQ(end.index, static_cast<std::int64_t>(last_steps.size()));
    EXPECT_EQ(end.forced, GetParam().last_is_forced && &end == &ends.back());
  }
  EXPECT_EQ(last_steps, GetParam().last_steps);
}

TEST(WindowEnds, AreNoneWithoutPruning) {
  WindowRule none = rule(100, 8);
  none.schedule = PruneSchedule::kNone;
  EXPECT_TRUE(window_ends(none).empty());
}

TEST(WindowEnds, AWindowWithoutStepsSaysHowManyAreNeeded) {
  expect_user_error([] { window_ends(rule(31, 32)); }, {"31 steps", "32 experts", "at least 32 steps"});
  EXPECT_NO_THROW(window_ends(rule(32, 32)));
  expect_user_error([] { window_ends(rule(159, 32, 0.2)); }, {"gamma 0.2", "at least 160 steps"});
  EXPECT_NO_THROW(window_ends(rule(160, 32, 0.2)));
  expect_user_error([] { window_ends(rule(26, 8, 0.3)); }, {"at least 27 steps"});
  EXPECT_NO_THROW(window_ends(rule(27, 8, 0.3)));
  expect_user_error([] { window_ends(staged(6, 7)); }, {"at least 7 steps"});
  expect_user_error([] { window_ends(rule(1, 2, 4.0, ForceDrop::kHalf)); }, {"at least 2 steps"});
}

TEST(WindowEnds, ADropAfterTheRunIsAnError) {
  expect_user_error([] { window_ends(rule(100, 8, 3.0)); }, {"step 150 of 100", "smaller gamma"});
  expect_user_error([] { window_ends(staged(100, 4, 1.5)); }, {"step 112 of 100"});
}

TEST(WindowEnds, LargeRunsDoNotOverflow) {
  const auto ends = window_ends(rule(1'000'000'000'000, 65'536, 0.12345678901234567));
  EXPECT_EQ(ends.size(), 32'768u);
  EXPECT_EQ(ends.back().last_step, 61'728'394'506);  // half of 0.12345678901234567e12
}

TEST(WindowRuleCheck, NumbersOutOfRangeAreUserErrors) {
  const auto with = [](auto change) {
    WindowRule bad = rule(100, 8);
    change(bad);
    return [bad] { window_ends(bad); };
  };
  expect_user_error(with([](WindowRule& r) { r.steps = 0; }), {"0 steps"});
  expect_user_error(with([](WindowRule& r) { r.steps = 1'000'000'000'001; }), {"steps"});
  expect_user_error(with([](WindowRule& r) { r.experts = 0; }), {"0 experts"});
  expect_user_error(with([](WindowRule& r) { r.beta = -0.1; }), {"beta is -0.1"});
  expect_user_error(with([](WindowRule& r) { r.beta = std::numeric_limits<double>::quiet_NaN(); }),
                    {"beta is nan"});
  expect_user_error(with([](WindowRule& r) { r.gamma = 0; }), {"gamma is 0"});
  expect_user_error(with([](WindowRule& r) { r.gamma = 101; }), {"gamma is 101"});
  expect_user_error(with([](WindowRule& r) { r.gamma = std::numeric_limits<double>::quiet_NaN(); }),
                    {"gamma is nan"});
}

TEST(WindowRuleCheck, AForceDropNeedsTheScheduleEager) {
  WindowRule bad = staged(100, 8);
  bad.force_drop = ForceDrop::kHalf;
  expect_user_error([&] { window_ends(bad); }, {"force drop \"half\"", "schedule \"staged\"", "eager"});
  bad.schedule = PruneSchedule::kNone;
  expect_user_error([&] { window_ends(bad); }, {"schedule \"none\""});
}

TEST(WindowEnds, ScoresThatMayBeNegativeHaveNoThreshold) {
  for (const std::string_view name : {"router_norm_change", "neuron_change"}) {
    WindowRule rule{.criterion = &find_criterion(name), .steps = 100, .experts = 4};
    expect_user_error([&] { window_ends(rule); }, {std::string(name), "can be negative", "staged", "beta 0"});
    rule.beta = 0;
    EXPECT_TRUE(window_ends(rule).back().forced);
    rule = {.schedule = PruneSchedule::kStaged, .criterion = rule.criterion, .steps = 100, .experts = 4};
    EXPECT_EQ(window_ends(rule).size(), 3U);
  }
}

TEST(OptionNames, AreReadBack) {
  for (const auto schedule : {PruneSchedule::kNone, PruneSchedule::kEager, PruneSchedule::kStaged}) {
    EXPECT_EQ(parse_prune_schedule(prune_schedule_name(schedule)), schedule);
  }
  for (const auto force_drop : {ForceDrop::kWindows, ForceDrop::kHalf, ForceDrop::kNever}) {
    EXPECT_EQ(parse_force_drop(force_drop_name(force_drop)), force_drop);
  }
}

TEST(OptionNames, AnUnknownOneNamesTheNearest) {
  expect_user_error([] { parse_prune_schedule("eagr"); },
                    {"\"eagr\", expected one of none, eager, staged", "did you mean eager?"});
  expect_user_error([] { parse_force_drop("halve"); }, {"did you mean half?"});
}

}  // namespace
}  // namespace espalier
