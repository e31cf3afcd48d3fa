#include "train/adamw.h"

#include <gtest/gtest.h>
#include <torch/autograd.h>
#include <torch/utils.h>

#include <cmath>
#include <limits>

#include "train/schedule.h"
#include "unit/train/ops/backends.h"

namespace espalier {
namespace {

constexpr double kTolerance = 1e-6;  // float32, and float32 options

OptimizedParameter parameter(const std::string& name, const Values& values) {
  const auto value = torch::tensor(values, torch::kFloat32).set_requires_grad(true);
  return {name, value, torch::zeros_like(value), torch::zeros_like(value), weight_decays(name)};
}

/// The same steps in float64, clipping over all parameters together.
struct Loops {
  AdamWOptions options;
  std::vector<std::vector<reference::AdamWState>> states;
  int steps = 0;

  double step(const std::vector<Values>& gradients, const std::vector<bool>& decays, double rate) {
    double squares = 0;
    for (const auto& gradient : gradients)
      for (const double g : gradient) squares += g * g;
    const double norm = std::sqrt(squares);
    const double scale = options.clip_norm > 0 && norm > options.clip_norm ? options.clip_norm / norm : 1.0;
    ++steps;
    for (std::size_t p = 0; p < states.size(); ++p)
      for (std::size_t i = 0; i < states[p].size(); ++i)
        states[p][i] =
            reference::adamw(states[p][i], gradients[p][i] * scale, rate, options.beta1, options.beta2,
                             options.epsilon, decays[p] ? options.weight_decay : 0.0, steps);
    return norm;
  }
};

void expect_same_steps(const AdamWOptions& options, double gradient_size) {
  const std::vector<Values> starts{random_values(37, 1), random_values(5, 2)};
  AdamW optimizer(options, {parameter("a.weight", starts[0]), parameter("a.bias", starts[1])});
  Loops loops{options, {}};
  for (const auto& start : starts) {
    loops.states.emplace_back();
    for (const double value : start) loops.states.back().push_back({value, 0, 0});
  }
  for (std::uint64_t step = 0; step < 12; ++step) {
    const std::vector<Values> gradients{random_values(37, 10 + step, gradient_size),
                                        random_values(5, 50 + step, gradient_size)};
    for (std::size_t p = 0; p < 2; ++p)
      optimizer.parameters()[p].value.mutable_grad() = torch::tensor(gradients[p], torch::kFloat32);
    const double norm = loops.step(gradients, {true, false}, 1e-2);
    EXPECT_NEAR(optimizer.step(1e-2), norm, kTolerance * norm);
  }
  EXPECT_EQ(optimizer.steps(), 12);
  for (std::size_t p = 0; p < 2; ++p) {
    Values values;
    for (const auto& state : loops.states[p]) values.push_back(state.parameter);
    expect_close(optimizer.parameters()[p].value, values, kTolerance, optimizer.parameters()[p].name);
  }
}

TEST(AdamW, MatchesLoops) {
  expect_same_steps({.clip_norm = 0}, 1.0);
}
TEST(AdamW, ClipsTheNormOfAllGradientsTogether) {
  expect_same_steps({.clip_norm = 0.5}, 1.0);
}
TEST(AdamW, LeavesSmallGradientsUnclipped) {
  expect_same_steps({.clip_norm = 100}, 1e-3);
}
TEST(AdamW, DecaysWeightsMuch) {
  expect_same_steps({.weight_decay = 0.3}, 0.1);
}

TEST(AdamW, AParameterMayLearnFaster) {
  AdamW optimizer({.weight_decay = 0}, {parameter("a.weight", {1}), parameter("b.weight", {1})});
  optimizer.parameters()[1].rate = 3.0;
  for (auto& p : optimizer.parameters()) p.value.mutable_grad() = torch::tensor({0.5F});
  optimizer.step(0.01);
  EXPECT_NEAR(optimizer.parameters()[0].value.item<double>(), 1 - 0.01, 1e-5);
  EXPECT_NEAR(optimizer.parameters()[1].value.item<double>(), 1 - 0.03, 1e-5);
}

TEST(AdamW, DecaysNeitherBiasesNorNorms) {
  EXPECT_TRUE(weight_decays("bert.encoder.layer.0.attention.self.qkv.weight"));
  EXPECT_TRUE(weight_decays("bert.encoder.layer.1.moe.router.weight"));
  EXPECT_TRUE(weight_decays("bert.encoder.layer.1.moe.experts.up"));
  EXPECT_FALSE(weight_decays("bert.encoder.layer.1.moe.experts.up_bias"));
  EXPECT_FALSE(weight_decays("bert.encoder.layer.0.output.LayerNorm.weight"));
  EXPECT_FALSE(weight_decays("cls.predictions.bias"));
}

TEST(AdamW, DropsTheGradientsAndTakesAMissingOneAsZero) {
  AdamW optimizer({.weight_decay = 0}, {parameter("a.weight", {1, 2}), parameter("b.weight", {3})});
  auto& value = optimizer.parameters()[0].value;
  value.mutable_grad() = torch::tensor({0.5F, -0.5F});
  optimizer.step(0.1);
  EXPECT_FALSE(value.grad().defined());
  EXPECT_EQ(optimizer.parameters()[1].value.item<float>(), 3.0F);
  EXPECT_NEAR(value[0].item<double>(), 0.9, 1e-5) << "the first step of Adam is the learning rate";
}

TEST(AdamW, ChangesNothingWhenTheGradientIsNotFinite) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    AdamW optimizer({}, {parameter("a.weight", {1, 2}), parameter("b.weight", {3})});
    optimizer.parameters()[0].value.mutable_grad() = torch::tensor({1.0F, bad});
    EXPECT_FALSE(std::isfinite(optimizer.step(0.1)));
    EXPECT_EQ(values_of(optimizer.parameters()[0].value), (Values{1, 2}));
    EXPECT_EQ(values_of(optimizer.parameters()[0].first_moment), (Values{0, 0}));
    EXPECT_EQ(values_of(optimizer.parameters()[1].value), (Values{3}));
    EXPECT_EQ(optimizer.steps(), 0);
  }
}

TEST(LearningRateSchedule, WarmsUpAndDecays) {
  const LearningRateSchedule schedule{2.0, 4, 10};
  const double expected[] = {0.5, 1.0, 1.5, 2.0, 12.0 / 7, 10.0 / 7, 8.0 / 7, 6.0 / 7, 4.0 / 7, 2.0 / 7};
  for (std::int64_t step = 1; step <= 10; ++step)
    EXPECT_DOUBLE_EQ(schedule.at(step), expected[step - 1]) << step;
  EXPECT_DOUBLE_EQ(schedule.at(11), 0.0);
}

TEST(LearningRateSchedule, WithoutWarmUpAndWithNothingElse) {
  EXPECT_DOUBLE_EQ((LearningRateSchedule{1.0, 0, 4}.at(1)), 0.8);
  EXPECT_DOUBLE_EQ((LearningRateSchedule{1.0, 4, 4}.at(4)), 1.0);
  EXPECT_DOUBLE_EQ((LearningRateSchedule{1.0, 0, 1}.at(1)), 0.5);
}

}  // namespace
}  // namespace espalier
