#include "prune/proficiency.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"

namespace espalier {
namespace {

ProficiencySums sums(std::vector<double> alpha, std::vector<std::int64_t> routed, std::int64_t tokens) {
  ProficiencySums result(alpha.size());
  result.alpha = std::move(alpha);
  result.routed = std::move(routed);
  result.tokens = tokens;
  return result;
}

TEST(Proficiency, AlphaIsTheMeanOverTokensAndHitRateTheShareOfPairs) {
  const ProficiencySums window = sums({2.0, 1.0, 5.0}, {6, 0, 10}, 8);  // K = 2
  EXPECT_EQ(window.scores(Proficiency::kAlpha), (std::vector<double>{0.25, 0.125, 0.625}));
  EXPECT_EQ(window.scores(Proficiency::kHitRate), (std::vector<double>{0.375, 0, 0.625}));
}

TEST(Proficiency, SumsAddUpSoTokensWeighAndNotSteps) {
  ProficiencySums window(2);
  window.add(sums({1.5, 0.5}, {2, 0}, 2));
  window.add(sums({1.0, 5.0}, {1, 5}, 6));
  EXPECT_EQ(window.tokens, 8);
  EXPECT_EQ(window.scores(Proficiency::kAlpha), (std::vector<double>{2.5 / 8, 5.5 / 8}));
  EXPECT_EQ(window.scores(Proficiency::kHitRate), (std::vector<double>{3.0 / 8, 5.0 / 8}));
  EXPECT_THROW(window.add(ProficiencySums(3)), InternalError);
}

TEST(Proficiency, WithoutTokensThereIsNoScore) {
  EXPECT_TRUE(std::isnan(ProficiencySums(2).scores(Proficiency::kAlpha)[0]));
  EXPECT_TRUE(std::isnan(ProficiencySums(2).scores(Proficiency::kHitRate)[1]));
}

TEST(WindowScores, CarryTheWindowTheNumbersAndK) {
  const std::vector<LayerProficiency> layers{{3, {0, 4}, sums({6, 2}, {7, 9}, 8)},
                                             {7, {1, 2, 5}, sums({4, 2, 2}, {8, 0, 8}, 8)}};
  const Scores scores = window_scores(layers, Proficiency::kAlpha, {2, 13, 25, false});
  EXPECT_EQ(scores.criterion, "alpha");
  EXPECT_EQ(scores.window->index, 2);
  EXPECT_EQ(scores.window->first_step, 13);
  EXPECT_EQ(scores.window->last_step, 25);
  EXPECT_EQ(scores.window->tokens, 8);
  EXPECT_EQ(scores.experts_per_token, 2);
  ASSERT_EQ(scores.layers.size(), 2u);
  EXPECT_EQ(scores.layers[0].layer, 3);
  EXPECT_EQ(scores.layers[0].scores, (std::vector<double>{0.75, 0.25}));
  EXPECT_EQ(scores.layers[0].original, (std::vector<int>{0, 4}));
  EXPECT_EQ(scores.layers[1].tokens, (std::vector<std::int64_t>{8, 0, 8}));
  EXPECT_EQ(scores_to_json(scores_from_json(scores_to_json(scores), "file")), scores_to_json(scores));
}

TEST(WindowScores, SumsThatCannotBeAreAFaultOfOurs) {
  const WindowEnd end{1, 1, 5, false};
  const LayerProficiency good{3, {0, 1}, sums({6, 2}, {5, 3}, 8)};
  EXPECT_THROW(window_scores(std::vector{LayerProficiency{3, {0, 1}, sums({6, 2}, {5, 2}, 8)}},
                             Proficiency::kAlpha, end),
               InternalError);
  EXPECT_THROW(
      window_scores(std::vector{good, {5, {0, 1}, sums({6, 3}, {5, 4}, 9)}}, Proficiency::kAlpha, end),
      InternalError);
  EXPECT_THROW(
      window_scores(std::vector{LayerProficiency{3, {0, 1}, ProficiencySums(2)}}, Proficiency::kAlpha, end),
      InternalError);
}

}  // namespace
}  // namespace espalier
