#include "prune/window_scores.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"

namespace espalier {
namespace {

constexpr WindowEnd kEnd{2, 13, 25, false};

/// A layer of three survivors that saw 8 tokens, two experts each; the last one got none.
LayerWindow window(int layer = 3) {
  LayerWindow result{{0, 2, 5}, LayerObservations(layer, 3, 0), {}};
  result.sums.tokens = 8;
  result.sums.routed = {12, 4, 0};
  result.sums.score_sum = {5, 2, 1};
  result.sums.gate_sum = {6, 2, 0};
  result.sums.norm_sum = {24, 4, 0};
  result.sums.weighted_norm_sum = {9, 1, 0};
  return result;
}

std::vector<double> scores_of(const LayerWindow& layer, std::string_view criterion) {
  return window_scores({&layer, 1}, find_criterion(criterion), kEnd, 2, 7).layers[0].scores;
}

TEST(WindowScores, OfWhatIsAShareAlreadyAreTheCriterionsOwn) {
  EXPECT_EQ(scores_of(window(), "alpha"), (std::vector<double>{5.0 / 8, 2.0 / 8, 1.0 / 8}));
  EXPECT_EQ(scores_of(window(), "hit_rate"), (std::vector<double>{12.0 / 16, 4.0 / 16, 0}));
}

TEST(WindowScores, OfOthersAreDividedByTheirSumAndWhoGotNoTokenHasZero) {
  EXPECT_EQ(scores_of(window(), "frequency"), (std::vector<double>{0.75, 0.25, 0}));
  EXPECT_EQ(scores_of(window(), "mean_gate"), (std::vector<double>{0.75, 0.25, 0}));
  EXPECT_EQ(scores_of(window(), "ean_mean"), (std::vector<double>{2.0 / 3, 1.0 / 3, 0}));  // 2 and 1
  EXPECT_EQ(scores_of(window(), "reap"), (std::vector<double>{0.75, 0.25, 0}));            // 3/4 and 1/4
}

TEST(WindowScores, OfWeightsAreShareOrRanks) {
  LayerWindow layer = window();
  layer.weights = {1, 1, 2};
  EXPECT_EQ(scores_of(layer, "router_norm"), (std::vector<double>{0.25, 0.25, 0.5}));
  layer.weights = {-1, 0.5, 0};
  EXPECT_EQ(scores_of(layer, "router_norm_change"), layer.weights);
}

TEST(WindowScores, ThatAreDrawnNameTheirSeed) {
  const LayerWindow layer = window();
  const Scores scores = window_scores({&layer, 1}, find_criterion("random"), kEnd, 2, 7);
  EXPECT_EQ(scores.seed, 7U);
  double sum = 0;
  for (const double score : scores.layers[0].scores) sum += score;
  EXPECT_NEAR(sum, 1.0, 1e-12);
}

TEST(WindowScores, CarryTheWindowTheNumbersAndK) {
  const std::vector<LayerWindow> layers{window(3), window(7)};
  const Scores scores = window_scores(layers, find_criterion("alpha"), kEnd, 2, 7);
  EXPECT_EQ(scores.criterion, "alpha");
  EXPECT_EQ(scores.window->index, 2);
  EXPECT_EQ(scores.window->first_step, 13);
  EXPECT_EQ(scores.window->last_step, 25);
  EXPECT_EQ(scores.window->tokens, 8);
  EXPECT_EQ(scores.experts_per_token, 2);
  EXPECT_FALSE(scores.seed);
  ASSERT_EQ(scores.layers.size(), 2U);
  EXPECT_EQ(scores.layers[1].layer, 7);
  EXPECT_EQ(scores.layers[1].original, (std::vector<int>{0, 2, 5}));
  EXPECT_EQ(scores.layers[1].tokens, (std::vector<std::int64_t>{12, 4, 0}));
  EXPECT_EQ(scores_to_json(scores_from_json(scores_to_json(scores), "file")), scores_to_json(scores));
}

TEST(WindowScores, SumsThatAreNoNumbersStayNone) {
  LayerWindow layer = window();
  layer.sums.score_sum[2] = std::nan("");
  EXPECT_TRUE(std::isnan(scores_of(layer, "alpha")[2]));
  EXPECT_TRUE(std::isnan(scores_of(layer, "frequency")[2])) << "though no token came";
}

TEST(WindowScores, LayersThatSawOtherTokensAreAFaultOfOurs) {
  std::vector<LayerWindow> layers{window(3), window(7)};
  layers[1].sums.tokens = 9;
  EXPECT_THROW(window_scores(layers, find_criterion("alpha"), kEnd, 2, 7), InternalError);
  layers = {window()};
  layers[0].sums.tokens = 0;
  EXPECT_THROW(window_scores(layers, find_criterion("alpha"), kEnd, 2, 7), InternalError);
}

}  // namespace
}  // namespace espalier
