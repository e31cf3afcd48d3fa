#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cmath>

#include "reference/elementwise.h"
#include "train/load_losses.h"
#include "train/moe_layer.h"
#include "unit/train/ops/backends.h"
#include "unit/train/small_model.h"

namespace espalier {

using namespace train;

namespace {

ESPALIER_ON_BACKENDS(ExpertChoice);

/// The K most probable ones, weighed with their probabilities.
RouterConfig best(std::int64_t K) {
  return {.experts_per_token = K, .normalise = false};
}

std::vector<std::int32_t> list(const torch::Tensor& tensor) {
  const auto flat = tensor.contiguous();
  return {flat.data_ptr<std::int32_t>(), flat.data_ptr<std::int32_t>() + flat.numel()};
}

/// The same by looking at every token for every expert.
std::vector<std::int32_t> plain_choice(const Values& p, std::size_t experts, std::size_t group,
                                       std::size_t capacity) {
  const std::size_t tokens = p.size() / experts;
  std::vector<std::int32_t> chosen(p.size(), -1);
  for (std::size_t n = 0; n < tokens; ++n)
    for (std::size_t e = 0; e < experts; ++e) {
      std::size_t better = 0;
      for (std::size_t other = n / group * group; other < std::min(tokens, n / group * group + group);
           ++other)
        if (p[other * experts + e] > p[n * experts + e] ||
            (p[other * experts + e] == p[n * experts + e] && other < n))
          ++better;
      if (better < capacity) chosen[n * experts + e] = static_cast<std::int32_t>(e);
    }
  return chosen;
}

TEST_P(ExpertChoice, EachExpertTakesItsBestTokensOfEveryImage) {
  constexpr std::int64_t N = 31, E = 5;
  const auto logits = random_values(N * E, 3);
  const auto eye = torch::eye(E, leaf({0}, {1}, GetParam()).options().requires_grad(false));
  const RouterOptions options{
      .rule = best(2), .capacity_factor = 1.5, .chooser = arch::WhoChooses::kExperts, .group_tokens = 10};
  const auto routing = route(ops(GetParam()), leaf(logits, {N, E}, GetParam()), eye, {}, options, 1);
  const auto p = reference::softmax(logits, E);
  EXPECT_EQ(list(routing.chosen), plain_choice(p, E, 10, 6));  // ceil(10 * 2 * 1.5 / 5)
  expect_close(routing.gates, p, tolerance(GetParam()), "gates");
  const auto counts = routed_counts(routing);
  EXPECT_EQ(counts.sum().item<std::int64_t>(), 5 * (3 * 6 + 1)) << "the last group has one token";
}

/// An expert goes on taking as many tokens as before its fellows were pruned.
TEST_P(ExpertChoice, CapacityCanBeReckonedWithMoreExperts) {
  const auto x = leaf(random_values(20 * 4, 5), {20, 4}, GetParam());
  const auto router = leaf(random_values(2 * 4, 6), {2, 4}, GetParam());
  RouterOptions options{.rule = best(2), .capacity_factor = 1.0, .chooser = arch::WhoChooses::kExperts};
  options.capacity_experts = 8;
  const auto routing = route(ops(GetParam()), x, router, {}, options, 1);
  EXPECT_EQ(routed_counts(routing)[0].item<std::int64_t>(), 5);
}

TEST_P(ExpertChoice, GradientsReachTheRouter) {
  const auto backend = GetParam();
  const auto x = leaf(random_values(12 * 4, 7), {12, 4}, backend);
  const auto make = [&](std::int64_t count, at::IntArrayRef shape, std::uint64_t seed) {
    return leaf(random_values(count, seed), shape, backend);
  };
  const auto layer =
      moe_layer(make(3 * 4, {3, 4}, 8), {make(3 * 5 * 4, {3, 5, 4}, 9), make(3 * 5, {3, 5}, 10),
                                         make(3 * 4 * 5, {3, 4, 5}, 11), make(3 * 4, {3, 4}, 12)});
  const RouterOptions options{
      .rule = best(1), .capacity_factor = 1.0, .chooser = arch::WhoChooses::kExperts, .group_tokens = 6};
  const auto output = forward(ops(backend), layer, x, options, 1);
  output.y.square().sum().backward();
  // The same as a dense sum over experts with the gates of the tokens they took.
  const auto p =
      torch::softmax(torch::matmul(x.detach(), layer.router.detach().t()), 1).set_requires_grad(true);
  const auto taken = (output.routing.accepted >= 0).to(p.options().requires_grad(false));
  auto y = torch::zeros_like(x.detach());
  for (std::int64_t e = 0; e < 3; ++e) {
    const auto hidden = torch::gelu(
        torch::linear(x.detach(), layer.experts.up[e].detach(), layer.experts.up_bias[e].detach()));
    y = y + (p * taken).select(1, e).unsqueeze(1) *
                torch::linear(hidden, layer.experts.down[e].detach(), layer.experts.down_bias[e].detach());
  }
  expect_close(output.y, values_of(y), tolerance(backend), "y");
  y.square().sum().backward();
  const auto dlogits = p.detach() * (p.grad() - (p.grad() * p.detach()).sum(1, true));
  expect_close(layer.router.grad(), values_of(torch::matmul(dlogits.t(), x.detach())), 4 * tolerance(backend),
               "the router's gradient");
}

torch::Tensor random_tensor(at::IntArrayRef shape, std::uint64_t seed, Backend backend) {
  return leaf(random_values(c10::multiply_integers(shape), seed), shape, backend).detach();
}

/// Of width 4 with 5 hidden values.
FeedForwardWeights random_experts(std::int64_t E, Backend backend) {
  return {random_tensor({E, 5, 4}, 3, backend), random_tensor({E, 5}, 4, backend),
          random_tensor({E, 4, 5}, 5, backend), random_tensor({E, 4}, 6, backend)};
}

/// A token that is sent to a pruned expert gets zero from it, and the gates of the others stay.
TEST_P(ExpertChoice, RowsWithoutAnExpertGiveZero) {
  const auto backend = GetParam();
  const auto x = random_tensor({40, 4}, 1, backend), router = random_tensor({4, 4}, 2, backend);
  const auto all = random_experts(4, backend);
  const auto kept = torch::tensor({1, 3}, torch::kInt64);
  const FeedForwardWeights some{all.up.index_select(0, kept), all.up_bias.index_select(0, kept),
                                all.down.index_select(0, kept), all.down_bias.index_select(0, kept)};
  FeedForwardWeights zeroed{all.up, all.up_bias, all.down.clone(), all.down_bias.clone()};
  for (const int e : {0, 2}) {
    zeroed.down[e].zero_();
    zeroed.down_bias[e].zero_();
  }
  const RouterOptions options{.rule = best(2), .capacity_factor = 1.2};
  const auto pruned = forward(ops(backend), moe_layer(router, some), x, options, 1, {-1, 0, -1, 1});
  const auto expected = forward(ops(backend), moe_layer(router, zeroed), x, options, 1);
  expect_close(pruned.y, values_of(expected.y), tolerance(backend), "y");
  EXPECT_TRUE(torch::equal(pruned.routing.gates, expected.routing.gates));
}

/// Members see their own rows only: each is a layer by itself.
TEST_P(ExpertChoice, AnEnsembleIsItsMembersSideBySide) {
  const auto backend = GetParam();
  const auto x = random_tensor({24, 4}, 1, backend), router = random_tensor({6, 4}, 2, backend);
  const auto all = random_experts(6, backend);
  const RouterOptions options{.rule = best(1), .capacity_factor = 1.1};
  const auto both = routed_experts(ops(backend), moe_layer(router, all), {}, x, 2, options, 1);
  for (std::int64_t m = 0; m < 2; ++m) {
    const auto part = [&](const torch::Tensor& tensor) { return tensor.narrow(0, 3 * m, 3).contiguous(); };
    const auto own =
        moe_layer(part(router), {part(all.up), part(all.up_bias), part(all.down), part(all.down_bias)});
    const auto alone = forward(ops(backend), own, x.narrow(0, 12 * m, 12).contiguous(), options, 1);
    expect_close(both.y.narrow(0, 12 * m, 12), values_of(alone.y), tolerance(backend), "y");
    const auto probabilities = both.routing.probabilities.narrow(0, 12 * m, 12);
    expect_close(probabilities.narrow(1, 3 * m, 3), values_of(alone.routing.probabilities),
                 tolerance(backend), "p");
    EXPECT_EQ(probabilities.narrow(1, 3 * (1 - m), 3).abs().max().item<double>(), 0.0);
  }
}

TEST_P(ExpertChoice, BatchPrioritisedPlacesGoToTheLargestGates) {
  // All three tokens want expert 0, which takes one: ceil(3 * 1 * 0.6 / 2).
  const Values logits{1, 0, 3, 0, 2, 0};
  const auto eye = torch::eye(2, leaf({0}, {1}, GetParam()).options().requires_grad(false));
  RouterOptions options{.rule = best(1), .capacity_factor = 0.6};
  const auto x = leaf(logits, {3, 2}, GetParam());
  EXPECT_EQ(list(route(ops(GetParam()), x, eye, {}, options, 1).accepted),
            (std::vector<std::int32_t>{0, -1, -1}));
  options.batch_prioritized = true;
  EXPECT_EQ(list(route(ops(GetParam()), x, eye, {}, options, 1).accepted),
            (std::vector<std::int32_t>{-1, 0, -1}));
}

TEST_P(ExpertChoice, LossesAreSquaredCoefficientsOfVariation) {
  constexpr std::int64_t N = 30, E = 4, K = 2;
  constexpr double kNoise = 0.25;
  const auto logits = random_values(N * E, 13);
  const auto eye = torch::eye(E, leaf({0}, {1}, GetParam()).options().requires_grad(false));
  const RouterOptions options{.rule = best(K), .logit_noise = kNoise};
  const auto routing = route(ops(GetParam()), leaf(logits, {N, E}, GetParam()), eye, {}, options, 5);
  const auto noisy = values_of(routing.noisy_logits), p = values_of(routing.probabilities);
  double square = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) square += std::pow(noisy[i] - logits[i], 2);
  EXPECT_NEAR(std::sqrt(square / static_cast<double>(N * E)), kNoise, 0.1);
  Values importance(E), load(E);
  for (std::int64_t n = 0; n < N; ++n) {
    Values row(noisy.begin() + n * E, noisy.begin() + (n + 1) * E);
    std::sort(row.rbegin(), row.rend());
    for (std::int64_t e = 0; e < E; ++e) {
      const auto i = static_cast<std::size_t>(n * E + e);
      importance[static_cast<std::size_t>(e)] += p[i];
      load[static_cast<std::size_t>(e)] +=
          0.5 * std::erfc((row[K - 1] - logits[i]) / kNoise / std::sqrt(2.0));
    }
  }
  const auto variation = [](const Values& totals) {
    double mean = 0, variance = 0;
    for (const double total : totals) mean += total / static_cast<double>(totals.size());
    for (const double total : totals)
      variance += std::pow(total - mean, 2) / static_cast<double>(totals.size());
    return variance / mean / mean;
  };
  constexpr double kRounding = 1e-5;
  EXPECT_NEAR(importance_loss(routing).item<double>(), variation(importance), kRounding);
  EXPECT_NEAR(load_loss(routing, K).item<double>(), variation(load), kRounding);
}

}  // namespace
}  // namespace espalier
