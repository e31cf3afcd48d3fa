// Models run without a tensor library compute what the training's forward pass computes.
#include <gtest/gtest.h>
#include <torch/utils.h>

#include "train/inference.h"
#include "unit/train/small_model.h"
#include "unit/train/small_vmoe.h"
#include "values.h"

namespace espalier {
namespace {

constexpr double kRounding = 5e-6;  // float32 in another order, through three blocks

Values numbers(const torch::Tensor& tensor) {
  const auto flat = tensor.detach().to(torch::kFloat64).contiguous();
  return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}

std::vector<std::int64_t> integers(const torch::Tensor& ids) {
  return {ids.data_ptr<std::int64_t>(), ids.data_ptr<std::int64_t>() + ids.numel()};
}

void expect_same_encoder(const nlohmann::json& config) {
  auto model = small_model(config);
  reset_classifier(model, 3, 4);
  const auto batch = small_batch(61);
  const auto ids = integers(batch.ids), types = integers(batch.types);
  for (const auto backend : {Backend::kOneDnn, Backend::kTorch}) {
    const ForwardOptions options{.backend = backend};
    const auto expected = encode(model, batch, options).hidden;
    const auto view = encoder_of(model);
    const auto hidden = encode(view, {ids, types, batch.layout});
    expect_close(values_of(hidden), numbers(expected), kRounding, "hidden");
    expect_close(values_of(masked_word_logits(view, batch.layout.tokens(), hidden.data())),
                 numbers(masked_word_logits(model, expected, options)), kRounding, "logits");
    expect_close(values_of(classify(view, batch.layout, hidden.data())),
                 numbers(classify(model, expected, batch.layout, options)), kRounding, "scores");
  }
}

TEST(InferenceAgrees, OnADenseEncoder) {
  expect_same_encoder(small_encoder_config({}));
}
TEST(InferenceAgrees, OnAnEncoderWithExperts) {
  auto config = small_encoder_config({0, 2}, 5);
  config["num_experts_per_tok"] = 2;
  expect_same_encoder(config);
}
TEST(InferenceAgrees, OnAnEncoderWithACapacity) {
  auto config = small_encoder_config({0, 2}, 4);
  config["num_experts_per_tok"] = 2;
  config["capacity_factor"] = 0.6;
  expect_same_encoder(config);
}

/// Every statistic of a layer, as the training's routing has it.
void expect_same_vision(const nlohmann::json& config) {
  const auto model = small_vmoe(config);
  const auto images = small_images(5);
  std::map<std::int64_t, Routing> routings;
  const auto expected =
      forward(model, images,
              {.on_routing = [&](std::int64_t block,
                                 const Routing& routing) { routings.emplace(block, routing); }})
          .scores;
  const auto tap = [&](std::int64_t block) {
    return infer::ExpertTap{
        [&, block](const infer::RoutingView& routing) {
          const auto& own = routings.at(block);
          const auto pairs = static_cast<std::size_t>(routing.tokens * routing.slots);
          expect_close(values_of({routing.gates, pairs}), numbers(own.gates), kRounding, "gates");
          EXPECT_EQ(std::vector<std::int32_t>(routing.chosen, routing.chosen + pairs),
                    std::vector<std::int32_t>(own.chosen.data_ptr<std::int32_t>(),
                                              own.chosen.data_ptr<std::int32_t>() + pairs));
        },
        {}};
  };
  const auto pixels = images.contiguous();
  const auto scores = classify_images(vision_of(model), 5, pixels.data_ptr<float>(), tap);
  expect_close(values_of(scores), numbers(expected), kRounding, "scores");
}

TEST(InferenceAgrees, OnAVisionModel) {
  auto config = small_vmoe_config();
  expect_same_vision(config);
  config["capacity_factor"] = 0.7;
  config["batch_prioritized"] = true;
  expect_same_vision(config);
  config.erase("capacity_factor");
  expect_same_vision(config);
}
TEST(InferenceAgrees, OnAVisionModelWhoseExpertsChoose) {
  auto config = small_vmoe_config();
  config["router"] = "expert_choice";
  expect_same_vision(config);
}
TEST(InferenceAgrees, OnAnEnsemble) {
  auto config = small_vmoe_config();
  config["ensemble_size"] = 2;
  config["num_experts_per_tok"] = 1;
  expect_same_vision(config);
  config["router"] = "expert_choice";
  expect_same_vision(config);
}
TEST(InferenceAgrees, OnAVisionModelWithRowsOfPrunedExperts) {
  auto config = small_vmoe_config();
  leave_rows(config, {{1, 3}, {0, 1, 3}}, {2});
  expect_same_vision(config);
  config["router"] = "expert_choice";
  expect_same_vision(config);
}

}  // namespace
}  // namespace espalier
