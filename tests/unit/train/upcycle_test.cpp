#include <gtest/gtest.h>
#include <torch/utils.h>

#include <cmath>

#include "base/error.h"
#include "train/checkpoint.h"
#include "train/upcycle.h"
#include "unit/train/small_model.h"

namespace espalier {
namespace {

Transformer dense_model() {
  return small_model(small_encoder_config({}));
}

TEST(Upcycle, CopiesTheFfnIntoEveryExpertAndKeepsTheRest) {
  const auto dense = dense_model();
  const auto model = upcycle(dense, {.num_experts = 5, .moe_layers = {0, 2}, .seed = 3});
  EXPECT_EQ(model.spec.family, "espalier_bert_moe");
  EXPECT_EQ(arch::moe_layers(model.spec), (std::vector<std::int64_t>{0, 2}));
  ASSERT_EQ(model.blocks[1].moe(), nullptr);
  const auto& ffn = std::get<FeedForwardWeights>(dense.blocks[2].feed_forward);
  const auto& moe = std::get<MoeWeights>(model.blocks[2].feed_forward);
  ASSERT_EQ(moe.experts.count(), 5);
  EXPECT_EQ(moe.router.sizes(), (std::vector<std::int64_t>{5, 24}));
  for (std::int64_t e = 0; e < 5; ++e) EXPECT_TRUE(torch::equal(moe.experts.up[e], ffn.up));
  const auto kept = parameters_of(model);
  for (const auto& [name, parameter] : parameters_of(dense))
    if (kept.contains(name)) {
      EXPECT_TRUE(torch::equal(kept.at(name), parameter)) << name;
    }
}

// The output projections are divided by what a fresh router's gates are on average; a token's own gates
// differ from that by the router's logits, of deviation 0.1 by some 3%.
TEST(Upcycle, StepZeroIsCloseToTheDenseModel) {
  const auto dense = dense_model();
  const auto batch = small_batch(61);
  const auto expected = encode(dense, batch, {}).hidden;
  for (const std::int64_t K : {1, 2}) {
    const auto model =
        upcycle(dense, {.num_experts = 8, .moe_layers = {0, 1, 2}, .experts_per_token = K, .seed = 3});
    EXPECT_LT(relative_difference(encode(model, batch, {}).hidden, expected), 0.04) << "K = " << K;
  }
}

TEST(Upcycle, WithoutNoiseStepZeroIsTheDenseModel) {
  const auto dense = dense_model();
  const auto batch = small_batch(61);
  const auto model = upcycle(dense, {.num_experts = 4, .moe_layers = {0, 1, 2}, .router_logits = 0.0});
  EXPECT_LT(relative_difference(encode(model, batch, {}).hidden, encode(dense, batch, {}).hidden), 1e-5);
}

/// Of 2 experts: the mean of sigmoid(|d|), d normal with twice the variance, by the trapezoidal rule.
double mean_larger_gate(double deviation) {
  const double width = deviation * std::sqrt(2.0), step = width / 200;
  double sum = 0, mass = 0;
  for (int i = -1600; i <= 1600; ++i) {
    const double d = i * step, density = std::exp(-d * d / (2 * width * width));
    sum += density / (1 + std::exp(-std::abs(d)));
    mass += density;
  }
  return sum / mass;
}

TEST(Upcycle, ExpectedGates) {
  EXPECT_NEAR(expected_gates(8, 1, 0.0), 1.0 / 8, 1e-12);
  EXPECT_NEAR(expected_gates(8, 3, 0.0), 3.0 / 8, 1e-12);
  EXPECT_NEAR(expected_gates(4, 4, 2.0), 1.0, 1e-12);
  for (const double deviation : {0.5, 2.0})
    EXPECT_NEAR(expected_gates(2, 1, deviation), mean_larger_gate(deviation), 0.01);
}

// The scale makes up for the gates on average, also where the router is sure of itself: of a layer norm's
// outputs the logits have the deviation that was asked for.
TEST(Upcycle, ScaleMakesUpForTheGatesOfASureRouter) {
  const auto dense = dense_model();
  const UpcycleOptions options{.num_experts = 8, .moe_layers = {1}, .router_logits = 2.0};
  double gates = 0, seeds = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    auto seeded = options;
    seeded.seed = seed;
    const auto see = [&](std::int64_t, const Routing& routing) {
      gates += routing.gates.mean().item<double>();
    };
    encode(upcycle(dense, seeded), small_batch(61), {.on_routing = see});
    ++seeds;
  }
  EXPECT_NEAR(gates / seeds, expected_gates(8, 1, 2.0), 0.05);
}

TEST(Upcycle, RedrawsAShareOfEachCopysNeurons) {
  const auto dense = dense_model();
  const UpcycleOptions options{
      .num_experts = 4, .moe_layers = {1}, .router_logits = 0, .redraw = 0.4, .seed = 3};
  const auto model = upcycle(dense, options);
  const auto& ffn = std::get<FeedForwardWeights>(dense.blocks[1].feed_forward);
  const auto& experts = model.blocks[1].moe()->experts;
  std::vector<torch::Tensor> drawn;
  for (std::int64_t e = 0; e < 4; ++e) {
    const auto up = (experts.up[e] != ffn.up).any(1), bias = experts.up_bias[e] != ffn.up_bias;
    const auto down = (experts.down[e] != ffn.down * 4.0).any(0);
    EXPECT_EQ(up.sum().item<std::int64_t>(), 15) << "0.4 of 37 neurons";
    EXPECT_TRUE(torch::equal(up, down)) << "the same neurons everywhere";
    EXPECT_TRUE(torch::equal(up, bias));
    EXPECT_TRUE(torch::equal(experts.down_bias[e], ffn.down_bias * 4.0));
    const auto rows = up.nonzero().flatten();
    EXPECT_NEAR(experts.up[e].index_select(0, rows).std().item<double>(),
                ffn.up.index_select(0, rows).std().item<double>(), 0.02);
    for (const auto& other : drawn) EXPECT_FALSE(torch::equal(up, other));
    drawn.push_back(up);
  }
  EXPECT_TRUE(torch::equal(upcycle(dense, options).blocks[1].moe()->experts.up, experts.up));
}

TEST(Upcycle, NoiseIsAShareOfTheWeightsDeviation) {
  const auto dense = dense_model();
  const auto model =
      upcycle(dense, {.num_experts = 3, .moe_layers = {1}, .router_logits = 0, .noise = 0.3, .seed = 3});
  const auto& ffn = std::get<FeedForwardWeights>(dense.blocks[1].feed_forward);
  const auto& experts = model.blocks[1].moe()->experts;
  const auto first = experts.up[0] - ffn.up, second = experts.up[1] - ffn.up;
  EXPECT_NEAR((first.std() / ffn.up.std()).item<double>(), 0.3, 0.02);
  EXPECT_LT(std::abs((first * second).mean().item<double>()), 0.1 * first.square().mean().item<double>());
  const auto down = experts.down[2] / 3.0 - ffn.down;
  EXPECT_NEAR((down.std() / ffn.down.std()).item<double>(), 0.3, 0.02);
}

TEST(Upcycle, RouterFollowsTheSeedAndDiffersBetweenBlocks) {
  const auto router = [](std::uint64_t seed, std::size_t block) {
    const auto model = upcycle(dense_model(), {.num_experts = 4, .moe_layers = {0, 1}, .seed = seed});
    return std::get<MoeWeights>(model.blocks[block].feed_forward).router;
  };
  EXPECT_TRUE(torch::equal(router(1, 0), router(1, 0)));
  EXPECT_FALSE(torch::equal(router(1, 0), router(2, 0)));
  EXPECT_FALSE(torch::equal(router(1, 0), router(1, 1)));
}

TEST(Upcycle, RefusesWhatCannotBe) {
  EXPECT_THROW(upcycle(dense_model(), {.num_experts = 4, .moe_layers = {3}}), UserError);
  EXPECT_THROW(upcycle(dense_model(), {.num_experts = 2, .moe_layers = {0}, .experts_per_token = 3}),
               UserError);
  EXPECT_THROW(upcycle(small_model(small_encoder_config({1})), {.num_experts = 4, .moe_layers = {0}}),
               UserError);
}

}  // namespace
}  // namespace espalier
