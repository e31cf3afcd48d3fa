// The two backends compute the same model: losses, every parameter's gradient, and training itself.
#include <gtest/gtest.h>
#include <torch/utils.h>

#include "train/adamw.h"
#include "train/forward.h"
#include "unit/train/small_model.h"

namespace espalier {
namespace {

/// Both count in float32, in another order each; through three blocks forward and back the rounding grows to
/// some 1e-6.
constexpr double kRounding = 2e-5;

nlohmann::json config() {
  auto config = small_encoder_config({0, 2}, 4);
  config["num_experts_per_tok"] = 2;
  config["router_jitter"] = 0.1;
  return config;
}

torch::Tensor loss_of(const Transformer& model, Backend backend, std::uint64_t seed) {
  const auto batch = small_batch(model.spec.text().vocabulary);
  const ForwardOptions options{.backend = backend, .mode = Mode::kTraining, .seed = seed};
  const auto encoding = encode(model, batch, options);
  const auto rows = encoding.hidden.index_select(0, torch::tensor({0, 3, 7, 20, 30, 34}, torch::kInt64));
  const auto targets = torch::tensor({4, 60, 0, 17, 17, 33}, torch::kInt64);
  auto loss = ops(backend).cross_entropy(masked_word_logits(model, rows, options), targets);
  if (encoding.balance_loss.defined()) loss = loss + 0.01 * encoding.balance_loss;
  return loss + classify(model, encoding.hidden, batch.layout, options).square().sum();
}

Transformer trainable_model(const nlohmann::json& config) {
  auto model = small_model(config);
  reset_classifier(model, 3, 4);
  visit_parameters(model,
                   [](const std::string&, torch::Tensor& parameter) { parameter.set_requires_grad(true); });
  return model;
}

void expect_same_gradients(const nlohmann::json& config) {
  const auto ours = trainable_model(config), oracle = trainable_model(config);
  const auto loss = loss_of(ours, Backend::kOneDnn, 8), expected = loss_of(oracle, Backend::kTorch, 8);
  EXPECT_LT(relative_difference(loss, expected), kRounding);
  loss.backward();
  expected.backward();
  const auto gradients = parameters_of(oracle);
  for (const auto& [name, parameter] : parameters_of(ours)) {
    ASSERT_TRUE(parameter.grad().defined()) << name;
    EXPECT_LT(relative_difference(parameter.grad(), gradients.at(name).grad()), kRounding) << name;
  }
}

TEST(BackendsAgree, OnLossAndEveryGradientOfAMoeModel) {
  expect_same_gradients(config());
}
TEST(BackendsAgree, OnADenseModel) {
  expect_same_gradients(small_encoder_config({}));
}
TEST(BackendsAgree, WithACapacity) {
  auto limited = config();
  limited["capacity_factor"] = 0.6;
  expect_same_gradients(limited);
}

std::vector<double> training_losses(Backend backend) {
  auto model = trainable_model(config());
  std::vector<OptimizedParameter> parameters;
  visit_parameters(model, [&](const std::string& name, torch::Tensor& value) {
    parameters.push_back(
        {name, value, torch::zeros_like(value), torch::zeros_like(value), weight_decays(name)});
  });
  AdamW optimizer({}, std::move(parameters));
  std::vector<double> losses;
  for (std::uint64_t step = 0; step < 10; ++step) {
    const auto loss = loss_of(model, backend, step);
    losses.push_back(loss.item<double>());
    loss.backward();
    optimizer.step(1e-3);
  }
  return losses;
}

TEST(BackendsAgree, OnTenTrainingLosses) {
  const auto ours = training_losses(Backend::kOneDnn), expected = training_losses(Backend::kTorch);
  // Adam divides by the root of squared gradients: where those are rounding alone, so is the direction of the
  // step.
  for (std::size_t i = 0; i < ours.size(); ++i)
    EXPECT_NEAR(ours[i], expected[i], 1e-3 * expected[i]) << "step " << i;
  EXPECT_LT(expected.back(), expected.front());
}

}  // namespace
}  // namespace espalier
