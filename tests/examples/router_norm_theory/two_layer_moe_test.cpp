#include "router_norm_theory/two_layer_moe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace espalier::examples {
namespace {

const TheorySetting kSmall{
    .patterns = 12, .tokens = 6, .experts = 4, .chosen = 3, .neurons = 3, .relevant_share = 0.5};

std::vector<PatternSample> samples(std::size_t count) {
  Rng rng(9);
  std::vector<PatternSample> result;
  for (std::size_t i = 0; i < count; ++i) result.push_back(draw_sample(kSmall, rng));
  return result;
}

/// The same as `output`, written out with whole token vectors.
double plain_output(const TwoLayerMoe& model, const PatternSample& sample) {
  double f = 0;
  for (std::size_t s = 0; s < model.experts(); ++s) {
    if (!model.living[s]) continue;
    std::vector<std::pair<double, std::size_t>> scored;  // score, pattern
    for (const std::size_t token : sample.tokens) {
      std::vector<double> x(model.patterns, 0.0);
      x[token] = 1;
      double score = 0;
      for (std::size_t p = 0; p < model.patterns; ++p) score += model.router[s][p] * x[p];
      scored.emplace_back(score, token);
    }
    std::sort(scored.begin(), scored.end(), std::greater<>());
    double sum = 0, weighted = 0;
    for (std::size_t j = 0; j < model.chosen; ++j) {
      double response = 0;
      for (std::size_t r = 0; r < model.neurons_per_expert; ++r)
        response += std::max(0.0, model.neurons[s][r * model.patterns + scored[j].second]);
      sum += std::exp(scored[j].first);
      weighted += std::exp(scored[j].first) * response;
    }
    f += model.sign[s] * weighted / sum;
  }
  return f;
}

double mean_hinge(const TwoLayerMoe& model, const std::vector<PatternSample>& batch) {
  double sum = 0;
  for (const auto& sample : batch) sum += std::max(0.0, 1.0 - sample.label * output(model, sample));
  return sum / static_cast<double>(batch.size());
}

TEST(TwoLayerMoe, ASampleHasOneTokenThatTellsItsClass) {
  int first = 0;
  for (const auto& sample : samples(400)) {
    const auto telling =
        std::count_if(sample.tokens.begin(), sample.tokens.end(), [](std::size_t p) { return p < 2; });
    EXPECT_EQ(telling, 1);
    EXPECT_EQ(std::count(sample.tokens.begin(), sample.tokens.end(), 0U), sample.label > 0 ? 1 : 0);
    first += sample.label > 0 ? 1 : 0;
  }
  EXPECT_GT(first, 150);
  EXPECT_LT(first, 250);
}

TEST(TwoLayerMoe, OutputIsThatOfTheDefinition) {
  auto model = initial_model(kSmall, 3);
  model.living[1] = false;
  constexpr double kRounding = 1e-12;
  for (const auto& sample : samples(50))
    EXPECT_NEAR(output(model, sample), plain_output(model, sample), kRounding);
}

/// Central differences; the neurons' first weights keep clear of the kink of the ReLU by more than the step.
TEST(TwoLayerMoe, GradientsAreThoseOfTheLoss) {
  auto model = initial_model(kSmall, 4);
  for (auto& neurons : model.neurons)
    for (double& weight : neurons) weight += weight > 0 ? 0.01 : -0.01;
  const auto batch = samples(40);
  const auto gradients = hinge_gradients(model, batch);
  constexpr double kStep = 1e-6, kTolerance = 1e-7;
  double largest = 0;
  const auto slope = [&](double& weight) {
    const double kept = weight;
    weight = kept + kStep;
    const double above = mean_hinge(model, batch);
    weight = kept - kStep;
    const double below = mean_hinge(model, batch);
    weight = kept;
    return (above - below) / (2 * kStep);
  };
  for (std::size_t s = 0; s < model.experts(); ++s) {
    for (std::size_t p = 0; p < model.patterns; ++p) {
      EXPECT_NEAR(gradients.router[s][p], slope(model.router[s][p]), kTolerance);
      largest = std::max(largest, std::abs(gradients.router[s][p]));
    }
    for (std::size_t i = 0; i < model.neurons[s].size(); ++i)
      EXPECT_NEAR(gradients.neurons[s][i], slope(model.neurons[s][i]), kTolerance) << s << " " << i;
  }
  EXPECT_GT(largest, 1e-4) << "a router that gets no gradient shows nothing";
}

TEST(TwoLayerMoe, PrunedExpertsStayAsTheyAre) {
  auto model = initial_model(kSmall, 5);
  model.living[0] = false;
  const auto before = model;
  Rng rng(1);
  train(model, kSmall, 3, rng);
  EXPECT_EQ(model.router[0], before.router[0]);
  EXPECT_EQ(model.neurons[0], before.neurons[0]);
  EXPECT_NE(model.router[1], before.router[1]);
}

TEST(TwoLayerMoe, OutputZeroIsWrong) {
  auto model = initial_model(kSmall, 5);
  model.living.assign(model.experts(), false);
  Rng rng(1);
  EXPECT_EQ(accuracy(model, kSmall, 20, rng), 0.0);
}

}  // namespace
}  // namespace espalier::examples
