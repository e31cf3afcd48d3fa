#include "infer/routing.h"

#include <gtest/gtest.h>

#include "values.h"

namespace espalier::infer {
namespace {

using Chosen = std::vector<std::int32_t>;

Routing choose(const std::vector<float>& logits, const RouterConfig& config,
               const std::vector<float>& bias = {}) {
  const auto E =
      bias.empty() ? static_cast<std::int64_t>(logits.size()) : static_cast<std::int64_t>(bias.size());
  Buffer<float> own(static_cast<std::int64_t>(logits.size()));
  std::copy(logits.begin(), logits.end(), own.data());
  const auto N = own.size() / E;
  return choose_experts(config, N, E, std::move(own), bias);
}

Chosen chosen(const Routing& choice) {
  return {choice.chosen.span().begin(), choice.chosen.span().end()};
}

// softmax(ln 1, ln 2, ln 3, ln 4) = 0.1, 0.2, 0.3, 0.4
const std::vector<float> kTenths{0.0F, std::log(2.0F), std::log(3.0F), std::log(4.0F)};

TEST(Routing, GatesAreProbabilitiesOrTheirShareAmongTheChosen) {
  const auto plain = choose(kTenths, {.experts_per_token = 2, .normalise = false});
  EXPECT_EQ(chosen(plain), (Chosen{3, 2}));
  expect_close(values_of(plain.gates), {0.4, 0.3}, 1e-6, "gates");
  expect_close(values_of(plain.alpha), {0.1, 0.2, 0.3, 0.4}, 1e-6, "alpha");
  expect_close(values_of(choose(kTenths, {.experts_per_token = 2}).gates), {4.0 / 7, 3.0 / 7}, 1e-6,
               "normalised");
  expect_close(values_of(choose(kTenths, {.experts_per_token = 2, .scale = 2.5}).gates), {10.0 / 7, 7.5 / 7},
               1e-6, "scaled");
}

TEST(Routing, ASoftmaxOfTheChosenIsTheirShare) {
  const auto choice =
      choose(kTenths, {.score = GateScore::kSoftmaxOfChosen, .experts_per_token = 2, .normalise = false});
  expect_close(values_of(choice.gates), {4.0 / 7, 3.0 / 7}, 1e-6, "gates");
}

TEST(Routing, TiesGoToTheSmallerIndex) {
  EXPECT_EQ(chosen(choose({1, 2, 2, 2}, {.experts_per_token = 2})), (Chosen{1, 2}));
  EXPECT_EQ(chosen(choose({5, 5, 5, 5}, {.experts_per_token = 3})), (Chosen{0, 1, 2}));
}

// Sigmoid of (0, ln 3, ln 9, 0): 1/2, 3/4, 9/10, 1/2. The bias chooses expert 3; its weight is unbiased.
TEST(Routing, TheCorrectionBiasChoosesButDoesNotWeigh) {
  const auto choice =
      choose({0, std::log(3.0F), std::log(9.0F), 0},
             {.score = GateScore::kSigmoid, .experts_per_token = 2, .correction_bias = true}, {0, 0, 0, 1});
  EXPECT_EQ(chosen(choice), (Chosen{3, 2}));
  expect_close(values_of(choice.gates), {0.5 / 1.4, 0.9 / 1.4}, 1e-6, "gates");
  expect_close(values_of(choice.alpha), {0.5 / 2.65, 0.75 / 2.65, 0.9 / 2.65, 0.5 / 2.65}, 1e-6, "alpha");
}

// Groups (0, 1) and (2, 3). By the maximum the second wins; by the sum of two the first.
TEST(Routing, GroupsAreRankedByTheirBestOrByTheirTwoBest) {
  const std::vector<float> logits{3.0F, 2.9F, 3.1F, -3.0F};
  RouterConfig config{.experts_per_token = 2, .groups = 2, .top_groups = 1};
  EXPECT_EQ(chosen(choose(logits, config)), (Chosen{2, 3}));
  config.group_score = GroupScore::kSumOfTwoBest;
  config.score = GateScore::kSigmoid;
  EXPECT_EQ(chosen(choose(logits, config)), (Chosen{0, 1}));
}

// All biased scores are negative: a closed group filled with 0 would win.
TEST(Routing, AClosedGroupCannotBeChosenEvenWhereScoresAreNegative) {
  const auto choice = choose({0, 0, 1, 1},
                             {.score = GateScore::kSigmoid,
                              .experts_per_token = 2,
                              .groups = 2,
                              .top_groups = 1,
                              .group_score = GroupScore::kSumOfTwoBest,
                              .correction_bias = true},
                             {-3, -3, -3, -3});
  EXPECT_EQ(chosen(choice), (Chosen{2, 3}));
}

TEST(Routing, LargeLogitsStayFinite) {
  const auto choice = choose({1e4F, 0, -1e4F}, {.experts_per_token = 1});
  EXPECT_EQ(values_of(choice.alpha), (Values{1, 0, 0}));
}

}  // namespace
}  // namespace espalier::infer
