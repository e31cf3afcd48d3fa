#include "train/router.h"

#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/utils.h>

#include <cmath>

#include "reference/elementwise.h"
#include "train/moe_layer.h"
#include "unit/train/ops/backends.h"
#include "unit/train/small_model.h"

namespace espalier {

using namespace train;

namespace {

ESPALIER_ON_BACKENDS(Router);

/// The K most probable ones, weighed with their probabilities.
RouterConfig best(std::int64_t K) {
  return {.experts_per_token = K, .normalise = false};
}
using Chosen = std::vector<std::int32_t>;

Chosen list(const torch::Tensor& tensor) {
  const auto flat = tensor.contiguous();
  return {flat.data_ptr<std::int32_t>(), flat.data_ptr<std::int32_t>() + flat.numel()};
}

/// A router whose logits are the rows of x themselves.
Routing route_logits(Backend backend, const Values& logits, std::int64_t experts,
                     const RouterOptions& options) {
  const auto N = static_cast<std::int64_t>(logits.size()) / experts;
  return route(ops(backend), leaf(logits, {N, experts}, backend),
               torch::eye(experts, leaf({0}, {1}, backend).options().requires_grad(false)), {}, options, 1);
}

TEST_P(Router, ProbabilitiesAreASoftmaxAndGatesAreThoseOfTheChosen) {
  const auto logits = random_values(40 * 7, 1);
  const auto routing = route_logits(GetParam(), logits, 7, {.rule = best(2)});
  const auto p = reference::softmax(logits, 7);
  expect_close(routing.probabilities, p, tolerance(GetParam()), "probabilities");
  const std::vector<float> narrow(logits.begin(), logits.end());
  EXPECT_EQ(list(routing.chosen), reference::largest_of_rows(narrow, 7, 2));
  EXPECT_EQ(list(routing.accepted), list(routing.chosen));
  Values gates;
  for (std::size_t i = 0; i < 80; ++i)
    gates.push_back(p[i / 2 * 7 + static_cast<std::size_t>(list(routing.chosen)[i])]);
  expect_close(routing.gates, gates, tolerance(GetParam()), "gates");
}

TEST_P(Router, TiesGoToTheSmallerIndex) {
  const auto routing = route_logits(GetParam(), {1, 1, 1, 0, 2, 2, 3, 0, 3}, 3, {.rule = best(2)});
  EXPECT_EQ(list(routing.chosen), (Chosen{0, 1, 1, 2, 0, 2}));
}

TEST_P(Router, ASoftmaxOfLargeLogitsIsFinite) {
  const auto routing = route_logits(GetParam(), {1e4, 0, -1e4}, 3, {});
  EXPECT_EQ(list(routing.chosen), (Chosen{0}));
  EXPECT_EQ(values_of(routing.probabilities), (Values{1, 0, 0}));
}

// Three tokens prefer expert 0, second choice 1; the fourth prefers 1. Capacity ceil(4 * 2 * 0.75 / 3) = 2.
TEST_P(Router, CapacityTakesFirstChoicesBeforeSecondOnesInTokenOrder) {
  const auto routing = route_logits(GetParam(), {3, 2, 0, 3, 2, 0, 3, 2, 0, 0, 3, 2}, 3,
                                    {.rule = best(2), .capacity_factor = 0.75});
  EXPECT_EQ(list(routing.chosen), (Chosen{0, 1, 0, 1, 0, 1, 1, 2}));
  // Expert 0: tokens 0 and 1. Expert 1: token 3 (its first choice), then token 0.
  EXPECT_EQ(list(routing.accepted), (Chosen{0, 1, 0, -1, -1, -1, 1, 2}));
  EXPECT_TRUE(torch::equal(routed_counts(routing), torch::tensor({3, 4, 1}, torch::kInt64)))
      << "before capacity";
}

TEST_P(Router, ADroppedTokenGetsNothing) {
  const auto backend = GetParam();
  const auto layer = moe_layer(
      leaf({1, 0, 0, 1}, {2, 2}, backend),
      {leaf(random_values(2 * 3 * 2, 1), {2, 3, 2}, backend), leaf(random_values(6, 2), {2, 3}, backend),
       leaf(random_values(12, 3), {2, 2, 3}, backend), leaf(random_values(4, 4), {2, 2}, backend)});
  const auto x = leaf({5, 0, 5, 0, 5, 0, 0, 5}, {4, 2}, backend);
  const auto output = forward(ops(backend), layer, x, {.capacity_factor = 0.5}, 0);
  EXPECT_EQ(list(output.routing.accepted), (Chosen{0, -1, -1, 1}));
  EXPECT_EQ(output.y[1].abs().sum().item<double>(), 0.0);
  EXPECT_EQ(output.y[2].abs().sum().item<double>(), 0.0);
  EXPECT_GT(output.y[0].abs().sum().item<double>(), 0.0);
}

TEST_P(Router, JitterIsAFunctionOfTheKeyAndStaysInItsRange) {
  const auto backend = GetParam();
  const auto x = leaf(Values(64 * 4, 1.0), {64, 4}, backend);
  const auto weight = leaf({1, 0, 0, 0, 0, 1, 0, 0}, {2, 4}, backend);
  const RouterOptions options{.jitter = 0.1};
  const auto logit_gap = [&](std::uint64_t key) {  // log p0 - log p1 = x0 - x1, of the jittered x
    const auto p = route(ops(backend), x, weight, {}, options, key).probabilities.log();
    return p.select(1, 0) - p.select(1, 1);
  };
  EXPECT_TRUE(torch::equal(logit_gap(5), logit_gap(5)));
  EXPECT_FALSE(torch::equal(logit_gap(5), logit_gap(6)));
  EXPECT_LE(logit_gap(5).abs().max().item<double>(), 0.2 + 1e-5);
  EXPECT_GE(logit_gap(5).abs().max().item<double>(), 0.1) << "of 64 differences of two uniform numbers";
}

TEST_P(Router, BalanceLossIsOneWhenBalancedAndEAtWorst) {
  const Values balanced{9, 0, 0, 0, 9, 0, 0, 0, 9};
  EXPECT_NEAR(balance_loss(route_logits(GetParam(), balanced, 3, {})).item<double>(), 1.0, 1e-6);
  const Values collapsed{40, 0, 0, 40, 0, 0, 40, 0, 0};
  EXPECT_NEAR(balance_loss(route_logits(GetParam(), collapsed, 3, {})).item<double>(), 3.0, 1e-6);
}

TEST_P(Router, BalanceLossFollowsItsDefinitionAndPushesProbabilityAway) {
  const auto logits = random_values(31 * 5, 2);
  const auto routing = route_logits(GetParam(), logits, 5, {.rule = best(2)});
  const auto p = reference::softmax(logits, 5);
  const auto chosen = list(routing.chosen);
  double expected = 0;
  for (std::size_t e = 0; e < 5; ++e) {
    double share = 0, mean = 0;
    for (const auto c : chosen) share += c == static_cast<std::int32_t>(e) ? 1.0 / 62 : 0.0;
    for (std::size_t n = 0; n < 31; ++n) mean += p[n * 5 + e] / 31;
    expected += 5 * share * mean;
  }
  EXPECT_NEAR(balance_loss(routing).item<double>(), expected, 1e-6);

  const auto backend = GetParam();
  const auto x = leaf({9, 0, 8, 0, 7, 1}, {3, 2}, backend), weight = leaf({0.1, 0, 0, 0.1}, {2, 2}, backend);
  balance_loss(route(ops(backend), x, weight, {}, {}, 0)).backward();
  EXPECT_GT(weight.grad()[0][0].item<double>(), 0.0) << "descent lowers the crowded expert's logit";
  EXPECT_LT(weight.grad()[1][0].item<double>(), 0.0);
}

TEST_P(Router, OfNoTokensTheBalanceLossIsZeroAndPushesNowhere) {
  const auto backend = GetParam();
  const auto x = leaf({}, {0, 2}, backend), weight = leaf({1, 0, 0, 1}, {2, 2}, backend);
  const auto loss = balance_loss(route(ops(backend), x, weight, {}, {}, 0));
  EXPECT_EQ(loss.item<double>(), 0.0);
  loss.backward();
  EXPECT_EQ(values_of(weight.grad()), (Values{0, 0, 0, 0}));
}

TEST_P(Router, EveryTokenAndSlotIsCountedOnce) {
  for (const std::int64_t N : {0, 1, 63}) {
    const auto routing =
        route_logits(GetParam(), random_values(N * 6, 3), 6, {.rule = best(3), .capacity_factor = 0.5});
    EXPECT_EQ(routed_counts(routing).sum().item<std::int64_t>(), N * 3);
    EXPECT_EQ(routed_counts(routing).numel(), 6);
  }
}

}  // namespace
}  // namespace espalier
