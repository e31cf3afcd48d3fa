#include "report/expert_use.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "report/observations_page.h"
#include "small_observations.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

constexpr double kRounding = 1e-12;  // of logarithms and sums in float64

LayerObservations layer_with_load(const std::vector<double>& routed) {
  LayerObservations layer(1, routed.size(), 1);
  layer.routed = routed;
  layer.tokens = 10;
  return layer;
}

TEST(LoadBalance, AnEvenLoad) {
  LayerObservations layer = layer_with_load({5, 5, 5, 5});
  layer.entropy_sum = 10 * std::log(2.0);  // each token undecided between two of four
  const LoadBalance balance = load_balance(layer);
  EXPECT_NEAR(balance.entropy, 1.0, kRounding);
  EXPECT_NEAR(balance.router_entropy, 0.5, kRounding);
  EXPECT_NEAR(balance.largest, 1.0, kRounding);
  EXPECT_NEAR(balance.gini, 0.0, kRounding);
  EXPECT_EQ(balance.never_routed, 0);
}

TEST(LoadBalance, OneExpertForAll) {
  const LoadBalance balance = load_balance(layer_with_load({0, 20, 0, 0}));
  EXPECT_NEAR(balance.entropy, 0.0, kRounding);
  EXPECT_NEAR(balance.largest, 4.0, kRounding);
  EXPECT_NEAR(balance.gini, 0.75, kRounding);
  EXPECT_EQ(balance.never_routed, 3);
}

TEST(LoadBalance, BetweenThem) {
  // Shares 1/8, 3/8, 4/8 have differences 2/8, 3/8 and 1/8:
  // Gini = sum |a - b| / (2 n^2 mean) = 2 (2/8 + 3/8 + 1/8) / (2 * 9 * 1/3) = 1/4.
  const LoadBalance balance = load_balance(layer_with_load({1, 3, 4}));
  EXPECT_NEAR(balance.gini, 0.25, kRounding);
  EXPECT_NEAR(balance.largest, 1.5, kRounding);
}

TEST(LoadBalance, NothingSeen) {
  const LoadBalance balance = load_balance(layer_with_load({0, 0}));
  EXPECT_TRUE(std::isnan(balance.entropy));
  EXPECT_TRUE(std::isnan(balance.gini));
  EXPECT_EQ(balance.never_routed, 2);
}

TEST(TopTokens, ByLift) {
  Observations observations = fixtures::empty_observations();
  observations.layers[0].routed = {50, 25, 25, 0};
  TokenUse& use = observations.token_use;
  use.push_back(7, 1, 0, 8);  // half of 16, as its share: lift 1
  use.push_back(8, 1, 0, 2);  // too rare
  use.push_back(9, 1, 0, 6);  // three quarters of 8: (6 + 5) / 18 / 0.5
  use.push_back(7, 1, 1, 8);  // half of 16, twice its share: (8 + 2.5) / 26 / 0.25
  use.push_back(9, 1, 2, 2);
  const auto top = top_tokens(observations, 2, 3);
  ASSERT_EQ(top.size(), 2u);
  const auto& first = top.at({1, 0});
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0].token, 9);
  EXPECT_NEAR(first[0].lift, 11.0 / 9, kRounding);
  EXPECT_EQ(first[1].token, 7);
  EXPECT_NEAR(first[1].lift, 1.0, kRounding);
  EXPECT_NEAR(top.at({1, 1})[0].lift, 21.0 / 13, kRounding);
  EXPECT_EQ(top_tokens(observations, 1, 3).at({1, 0}).size(), 1u);
}

TEST(TopTokens, OfTokensThatWentThereAloneTheFrequentOneLeads) {
  Observations observations = fixtures::empty_observations();
  observations.layers[0].routed = {1, 97, 1, 1};
  observations.token_use.push_back(7, 1, 0, 3);
  observations.token_use.push_back(8, 1, 0, 300);
  const auto top = top_tokens(observations, 2, 3);
  const auto& tokens = top.at({1, 0});
  EXPECT_EQ(tokens[0].token, 8);
  EXPECT_GT(tokens[0].lift, 3 * tokens[1].lift);
}

Plan drops_last_two(int layer) {
  Plan plan;
  plan.layers = {{.layer = layer, .num_experts_before = 4, .keep = {0, 1}}};
  return plan;
}

TEST(LostShares, OfPairsGatesAndOutput) {
  Observations observations = fixtures::empty_observations();
  observations.layers[1].routed = {4, 2, 1, 1};
  observations.layers[1].gate_sum = {1, 1, 1, 1};
  observations.layers[1].weighted_norm_sum = {9, 0, 0, 1};
  const auto lost = lost_shares(observations, drops_last_two(3));
  ASSERT_EQ(lost.size(), 1u);
  EXPECT_EQ(lost[0].dropped, 2);
  EXPECT_NEAR(lost[0].pairs, 0.25, kRounding);
  EXPECT_NEAR(lost[0].gates, 0.5, kRounding);
  EXPECT_NEAR(lost[0].output, 0.1, kRounding);
}

TEST(LostShares, PlanAndObservationsMustFit) {
  const Observations observations = fixtures::empty_observations();
  Plan plan = drops_last_two(3);
  plan.layers[0].num_experts_before = 5;
  fixtures::expect_user_error([&] { lost_shares(observations, plan); },
                              {"block 3: the plan is for 5 experts"});
  plan = drops_last_two(3);
  plan.provenance.topology_sha256 = std::string(64, 'f');
  fixtures::expect_user_error([&] { lost_shares(observations, plan); }, {"of different models"});
}

TEST(ObservationsPage, ShowsTokensInTheirTextEscaped) {
  Observations observations = fixtures::small_observations();
  observations.examples[0].after = " <b>\nnext";
  const Plan plan = drops_last_two(1);
  const std::string html = render_observations(observations, &plan, "run <1>");
  EXPECT_THAT(
      html, ::testing::HasSubstr("<span class=\"around\">the old </span><b>house</b><span class=\"around\"> "
                                 "&lt;b&gt;\u23cenext</span>"));
  EXPECT_THAT(html, ::testing::HasSubstr("run &lt;1&gt;"));
  EXPECT_THAT(html, ::testing::HasSubstr(">2 (dropped)<"));
  EXPECT_EQ(render_observations(observations, nullptr, "x").find("id=\"lost\""), std::string::npos);
}

TEST(ObservationsPage, TheMapSaysHowManyTimesAnEvenShare) {
  Observations observations = fixtures::small_observations();
  observations.layers[0].routed = {6, 1, 1, 0};  // 3, a half and no times a quarter of 8
  const std::string html = render_observations(observations, nullptr, "x");
  for (const char* cell : {">3.0<td", ">.50<td", ">0\n"}) EXPECT_THAT(html, ::testing::HasSubstr(cell));
}

}  // namespace
}  // namespace espalier
