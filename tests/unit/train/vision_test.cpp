#include "train/forward.h"

#include <gtest/gtest.h>
#include <torch/autograd.h>

#include <cmath>
#include <map>

#include "base/error.h"
#include "reference/vision.h"
#include "temporary_folder.h"
#include "unit/train/ops/backends.h"
#include "unit/train/small_vmoe.h"

namespace espalier {
namespace {

ESPALIER_ON_BACKENDS(Vmoe);

/// float32 through three blocks, against loops in float64.
constexpr double kModelTolerance = 2e-5;

void expect_scores_of_loops(nlohmann::json config, Backend backend) {
  for (const char* router : {"token_choice", "expert_choice"}) {
    config["router"] = router;
    const auto model = small_vmoe(config);
    const auto images = small_images(5);
    const auto scores = forward(model, images, {.backend = backend}).scores;
    expect_close(scores, reference::vmoe_scores(model, images), kModelTolerance, "scores");
  }
}

TEST_P(Vmoe, ScoresAreThoseOfPlainLoops) {
  expect_scores_of_loops(small_vmoe_config(), GetParam());
}

/// Rows without an expert give a constant in one layer, and zero in the other.
nlohmann::json config_with_novices() {
  auto config = small_vmoe_config();
  leave_rows(config, {{0, 3}, {1, 2}}, {1});
  return config;
}

TEST_P(Vmoe, ScoresWithNoviceRowsAreThoseOfPlainLoops) {
  expect_scores_of_loops(config_with_novices(), GetParam());
}

TEST_P(Vmoe, ScoresOfAnEnsembleWithNovicesAreThoseOfPlainLoops) {
  auto config = config_with_novices();
  config["ensemble_size"] = 2;
  config["num_experts_per_tok"] = 1;
  config["expert_rows"][1] = {0, 2};
  const auto model = small_vmoe(config);
  const auto images = small_images(4);
  const auto scores = forward(model, images, {.backend = GetParam()}).scores;
  expect_close(scores, reference::vmoe_scores(model, images), kModelTolerance, "scores");
}

/// An expert without weights is its output's bias.
TEST_P(Vmoe, ANoviceIsAnExpertOfWhichOnlyTheBiasIsLeft) {
  const torch::NoGradGuard no_grad;
  auto whole = small_vmoe(small_vmoe_config());
  auto pruned = small_vmoe(config_with_novices());
  std::map<std::string, torch::Tensor> parameters;
  visit_parameters(whole, [&](const std::string& name, torch::Tensor& p) { parameters[name] = p; });
  visit_parameters(pruned, [&](const std::string& name, torch::Tensor& p) {
    if (name.find(".experts.") == std::string::npos && !name.ends_with("novices.bias"))
      p = parameters.at(name);
  });
  for (const std::size_t block : {1U, 2U}) {
    auto& before = std::get<MoeWeights>(whole.blocks[block].feed_forward);
    auto& after = std::get<MoeWeights>(pruned.blocks[block].feed_forward);
    const auto kept = block == 1 ? torch::tensor({0, 3}) : torch::tensor({1, 2});
    const auto gone = block == 1 ? torch::tensor({1, 2}) : torch::tensor({0, 3});
    const bool novices = after.novices.defined();
    EXPECT_EQ(novices, block == 1);
    if (novices) after.novices = before.experts.down_bias.index_select(0, gone);
    after.experts = {before.experts.up.index_select(0, kept), before.experts.up_bias.index_select(0, kept),
                     before.experts.down.index_select(0, kept),
                     before.experts.down_bias.index_select(0, kept)};
    before.experts.down.index_fill_(0, gone, 0);
    if (!novices) before.experts.down_bias.index_fill_(0, gone, 0);
  }
  const auto images = small_images(6);
  const auto expected = forward(whole, images, {.backend = GetParam()}).scores;
  const auto found = forward(pruned, images, {.backend = GetParam()}).scores;
  EXPECT_LT((found - expected).abs().max().item<double>(), 1e-5);
}

TEST_P(Vmoe, ScoresOfAnEnsembleAreThoseOfPlainLoops) {
  auto config = small_vmoe_config();
  config["ensemble_size"] = 2;
  config["num_experts_per_tok"] = 1;
  const auto model = small_vmoe(config);
  const auto images = small_images(4);
  const auto scores = forward(model, images, {.backend = GetParam()}).scores;
  EXPECT_EQ(scores.size(0), 8);
  expect_close(scores, reference::vmoe_scores(model, images), kModelTolerance, "scores");
}

/// Central differences of the whole model on the oracle backend, in float64.
void expect_numeric_gradients(nlohmann::json config) {
  config["router_noise"] = 0.0;
  auto model = small_vmoe(config);
  const auto images = small_images(3).to(torch::kFloat64);
  visit_parameters(model, [](const std::string&, torch::Tensor& parameter) {
    parameter = parameter.to(torch::kFloat64).detach().set_requires_grad(true);
  });
  const auto labels = torch::tensor({0, 2, 1}, torch::kInt64);
  const auto loss = [&] {
    const auto output = forward(model, images, {.backend = Backend::kTorch, .mode = Mode::kTraining});
    return ops(Backend::kTorch).cross_entropy(output.scores, labels) + 0.1 * output.router_loss;
  };
  loss().backward();
  constexpr double kStep = 1e-5, kTolerance = 1e-6;
  visit_parameters(model, [&](const std::string& name, torch::Tensor& parameter) {
    const torch::NoGradGuard no_grad;
    const auto place = parameter.view({-1})[parameter.numel() / 2];
    const double kept = place.item<double>();
    place.fill_(kept + kStep);
    const double above = loss().item<double>();
    place.fill_(kept - kStep);
    const double below = loss().item<double>();
    place.fill_(kept);
    EXPECT_NEAR(parameter.grad().view({-1})[parameter.numel() / 2].item<double>(),
                (above - below) / (2 * kStep), kTolerance)
        << name;
  });
}

TEST(VmoeGradients, AreThoseOfTheLoss) {
  expect_numeric_gradients(small_vmoe_config());
}

TEST(VmoeGradients, WithNovicesAreThoseOfTheLoss) {
  expect_numeric_gradients(config_with_novices());
}

TEST(VmoeGradients, BackendsAgree) {
  const auto images = small_images(6);
  const auto labels = torch::tensor({0, 1, 2, 0, 1, 2}, torch::kInt64);
  std::vector<std::vector<torch::Tensor>> gradients;
  for (const auto backend : {Backend::kOneDnn, Backend::kTorch}) {
    auto model = small_vmoe(small_vmoe_config());
    visit_parameters(model,
                     [](const std::string&, torch::Tensor& parameter) { parameter.set_requires_grad(true); });
    const auto output = forward(model, images, {.backend = backend, .mode = Mode::kTraining, .seed = 5});
    (ops(backend).cross_entropy(output.scores, labels) + 0.1 * output.router_loss).backward();
    auto& own = gradients.emplace_back();
    visit_parameters(model,
                     [&](const std::string&, torch::Tensor& parameter) { own.push_back(parameter.grad()); });
  }
  for (std::size_t i = 0; i < gradients[0].size(); ++i)
    expect_close(gradients[0][i], values_of(gradients[1][i]), 1e-4, "gradient " + std::to_string(i));
}

TEST(VmoeCheckpoint, SurvivesAFolder) {
  auto config = small_vmoe_config();
  leave_rows(config, {{0, 3}, {0, 1, 2, 3}}, {1});
  auto model = small_vmoe(config);
  const TemporaryFolder folder;
  save(model, folder / "model", Dtype::kF32);
  auto again = load(Checkpoint::open(folder / "model"));
  EXPECT_EQ(again.spec.blocks, model.spec.blocks);
  std::vector<torch::Tensor> parameters;
  visit_parameters(model,
                   [&](const std::string&, torch::Tensor& parameter) { parameters.push_back(parameter); });
  std::size_t i = 0;
  visit_parameters(again, [&](const std::string& name, torch::Tensor& parameter) {
    EXPECT_TRUE(torch::equal(parameter, parameters[i++])) << name;
  });
  const auto images = small_images(2);
  EXPECT_TRUE(torch::equal(forward(model, images, {}).scores, forward(again, images, {}).scores));
}

TEST(VmoePositions, AreResizedLikeAnImage) {
  const auto model = small_vmoe(small_vmoe_config());
  EXPECT_TRUE(torch::equal(resized_positions(model.position, 2), model.position));
  const auto larger = resized_positions(model.position, 4);
  ASSERT_EQ(larger.size(0), 17);
  EXPECT_TRUE(torch::equal(larger[0], model.position[0]));
  // The corners of the grid lie beyond the outermost old centres; the inner ones mix with weights 3/4 and
  // 1/4.
  EXPECT_TRUE(torch::allclose(larger[1], model.position[1]));
  EXPECT_TRUE(torch::allclose(larger[2], 0.75 * model.position[1] + 0.25 * model.position[2], 1e-5, 1e-6));
  auto changed = model;
  set_image_size(changed, 16);
  EXPECT_EQ(forward(changed, small_images(2, 16), {}).scores.size(0), 2);
  EXPECT_THROW(set_image_size(changed, 15), UserError) << "the patch size does not divide it";
  EXPECT_THROW(forward(model, small_images(2, 16), {}), UserError);
}

}  // namespace
}  // namespace espalier
