#include "report/curves.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "unit/report/pruned_run.h"
#include "unit/report/synthetic_run.h"

namespace espalier {
namespace {

const Curve* find(const std::vector<Curve>& curves, const std::string& name) {
  const auto found =
      std::find_if(curves.begin(), curves.end(), [&](auto& curve) { return curve.name == name; });
  return found == curves.end() ? nullptr : &*found;
}

TEST(RowsToDraw, KeepsAllOfAShortLog) {
  const std::vector<Curve> curves{{"loss", {3, 2, 1}}};
  EXPECT_EQ(rows_to_draw(curves, 10), (std::vector<std::size_t>{0, 1, 2}));
  EXPECT_TRUE(rows_to_draw({{"loss", {}}}, 10).empty());
}

TEST(RowsToDraw, KeepsEveryPeakAndTheEnds) {
  // 10,000 rows, flat but for one spike up, one down, and one in the other curve.
  Curve loss{"loss", std::vector<double>(10'000, 2.0)};
  Curve norm{"norm", std::vector<double>(10'000, 1.0)};
  loss.values[4321] = 9;
  loss.values[4322] = 0.5;
  norm.values[7777] = 50;
  const auto rows = rows_to_draw({loss, norm}, 100);
  EXPECT_LE(rows.size(), 2 + 100u * 4);
  EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end()));
  for (const std::size_t peak : {0u, 4321u, 4322u, 7777u, 9999u}) {
    EXPECT_TRUE(std::binary_search(rows.begin(), rows.end(), peak)) << peak;
  }
}

TEST(RowsToDraw, KeepsTheFewValuesOfASparseCurve) {
  Curve step{"step", std::vector<double>(5000)};
  Curve valid{"valid_loss", std::vector<double>(5000, std::nan(""))};
  for (std::size_t i = 0; i < 5000; ++i) step.values[i] = static_cast<double>(i);
  for (const std::size_t i : {1234u, 2500u, 4001u}) valid.values[i] = 2;
  const auto rows = rows_to_draw({step, valid}, 50);
  for (const std::size_t i : {1234u, 2500u, 4001u})
    EXPECT_TRUE(std::binary_search(rows.begin(), rows.end(), i)) << i;
}

TEST(MovingMean, AveragesTheWindowAndLeavesOutNan) {
  const double none = std::nan("");
  EXPECT_EQ(moving_mean({1, 2, 6, 3}, 1), (std::vector<double>{1.5, 3, 11.0 / 3, 4.5}));
  EXPECT_EQ(moving_mean({1, 2, 6}, 0), (std::vector<double>{1, 2, 6}));
  const auto gaps = moving_mean({1, none, 3}, 1);
  EXPECT_EQ(gaps[0], 1);
  EXPECT_TRUE(std::isnan(gaps[1]));
  EXPECT_EQ(gaps[2], 3);
  EXPECT_TRUE(moving_mean({}, 3).empty());
}

TEST(EffectiveExperts, CountsEvenExpertsAndOneForACollapse) {
  EXPECT_NEAR(effective_experts({0.25, 0.25, 0.25, 0.25}), 4, 1e-12);
  EXPECT_NEAR(effective_experts({0.5, 0.5, 0, 0}), 2, 1e-12);
  EXPECT_EQ(effective_experts({0, 1, 0}), 1);
}

TEST(CurvesOf, HasAValueForEveryLineAndACurveForEveryLayer) {
  const RunFolder run = synthetic_run("moe", 50);
  const auto curves = curves_of(run.metrics);
  for (const Curve& curve : curves) EXPECT_EQ(curve.values.size(), 50u) << curve.name;
  ASSERT_TRUE(find(curves, "loss"));
  EXPECT_EQ(find(curves, "loss")->values[7], run.metrics[7].mlm_loss);
  ASSERT_TRUE(find(curves, "effective_experts_3"));
  EXPECT_EQ(find(curves, "effective_experts_3")->values[9],
            effective_experts(run.metrics[9].expert_load.at(3)));
  EXPECT_TRUE(std::isnan(find(curves, "valid_loss")->values[0]));
  EXPECT_FALSE(find(curves_of(synthetic_run("dense", 5, {}).metrics), "effective_experts_3"));
}

TEST(CurvesOf, LossIsThatOfTheTargetsAlone) {
  MetricsLine line;
  line.loss = 3;
  EXPECT_EQ(target_loss(line), 3);
  line.task_loss = 2;
  EXPECT_EQ(target_loss(line), 2);
  line.mlm_loss = 1;
  EXPECT_EQ(target_loss(line), 1);
}

TEST(LoadMaps, AverageStretchesOfTheLog) {
  std::vector<MetricsLine> lines(4);
  const double first_expert[] = {1.0, 0.5, 0.25, 0.0};
  for (int i = 0; i < 4; ++i) {
    lines[static_cast<std::size_t>(i)].step = 10 * (i + 1);
    lines[static_cast<std::size_t>(i)].expert_load[5] = {first_expert[i], 1 - first_expert[i]};
  }
  const auto maps = load_maps(lines, 2);
  ASSERT_EQ(maps.size(), 1u);
  EXPECT_EQ(maps[0].layer, 5);
  EXPECT_EQ(maps[0].experts, 2u);
  EXPECT_EQ(maps[0].last_rows, (std::vector<std::size_t>{1, 3}));
  EXPECT_EQ(maps[0].shares, (std::vector<std::vector<double>>{{0.75, 0.25}, {0.125, 0.875}}));
  EXPECT_EQ(load_maps(lines, 100)[0].shares.size(), 4u);
}

TEST(LoadMaps, FollowPrunedExpertsByTheirNumbers) {
  const RunFolder run = pruned_run("eager");
  const LoadMap map = load_maps(run.metrics, 4, run.plans).at(1);
  EXPECT_EQ(map.layer, 3);
  EXPECT_EQ(map.experts, 4u);
  EXPECT_EQ(map.last_rows, (std::vector<std::size_t>{0, 1, 2, 3}));  // survivors alone have no load
  EXPECT_EQ(map.shares[1], (std::vector<double>{0.02, 0.5, 0.28, 0.2}));
  EXPECT_TRUE(std::isnan(map.shares[2][0]));
  EXPECT_EQ(std::vector(map.shares[2].begin() + 1, map.shares[2].end()),
            (std::vector<double>{0.6, 0.38, 0.02}));
}

}  // namespace
}  // namespace espalier
