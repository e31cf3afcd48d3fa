#include "report/window_shares.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "unit/report/pruned_run.h"
#include "unit/report/synthetic_run.h"

namespace espalier {
namespace {

using testing::ElementsAre;
using testing::NanSensitiveDoubleEq;

const double kGone = std::nan("");

auto shares(double a, double b, double c, double d) {
  return ElementsAre(NanSensitiveDoubleEq(a), NanSensitiveDoubleEq(b), NanSensitiveDoubleEq(c),
                     NanSensitiveDoubleEq(d));
}

TEST(WindowShares, FollowExpertsByTheNumbersOfTheStart) {
  const auto tables = window_shares(pruned_run("eager"));
  ASSERT_EQ(tables.size(), 2u);
  EXPECT_EQ(tables[0].layer, 1);
  EXPECT_THAT(tables[0].shares, ElementsAre(shares(0.1, 0.4, 0.3, 0.2), shares(0.1, 0.45, 0.25, 0.2),
                                            shares(kGone, 1, kGone, kGone)));
  EXPECT_EQ(tables[1].layer, 3);
  EXPECT_EQ(tables[1].experts, (std::vector<int>{0, 1, 2, 3}));
  EXPECT_THAT(tables[1].shares, ElementsAre(shares(0.02, 0.5, 0.28, 0.2), shares(kGone, 0.6, 0.38, 0.02),
                                            shares(kGone, 1, kGone, kGone)));
}

TEST(WindowShares, SayWhenAndWhyAnExpertWasDropped) {
  const WindowShares table = window_shares(pruned_run("eager")).at(1);
  ASSERT_TRUE(table.dropped[0] && table.dropped[2] && table.dropped[3]);
  EXPECT_EQ(table.dropped[0]->window, 0u);
  EXPECT_EQ(table.dropped[0]->reason, "alpha 0.02 < 0.025 (0.1 / 4)");
  EXPECT_FALSE(table.dropped[1]);
  EXPECT_EQ(table.dropped[2]->window, 1u);
  EXPECT_EQ(table.dropped[3]->window, 1u);
}

TEST(WindowShares, OfOtherScoresAreThoseOfTheTokens) {
  RunFolder run;
  Scores scores;
  scores.layers = {{.layer = 0, .scores = {5, -1}, .tokens = {1, 3}, .original = {0, 1}},
                   {.layer = 1, .scores = {0.5, 0.25}, .tokens = {0, 0}, .original = {0, 1}},
                   {.layer = 2, .scores = {1, kGone}, .tokens = {9, 0}, .original = {0, 1}}};
  run.scores = {scores};
  const auto tables = window_shares(run);
  ASSERT_EQ(tables.size(), 3u);
  EXPECT_THAT(tables[0].shares, ElementsAre(ElementsAre(0.25, 0.75)));
  EXPECT_THAT(tables[1].shares, ElementsAre(ElementsAre(0, 0)));
  EXPECT_THAT(tables[2].shares, ElementsAre(ElementsAre(1, 0)));
}

TEST(WindowShares, NeedScores) {
  EXPECT_TRUE(window_shares(synthetic_run("moe", 10)).empty());
}

}  // namespace
}  // namespace espalier
