// What is reckoned before training, against what a step takes.
#include "train/training_memory.h"

#include <gtest/gtest.h>

#include "base/machine.h"
#include "unit/base/user_error.h"
#include "unit/train/small_model.h"

namespace espalier {
namespace {

constexpr std::int64_t kTokens = 4096, kLength = 128;
/// Of an estimate: allocators keep what was freed, and products have workspaces.
constexpr double kLoosely = 2;

nlohmann::json encoder(std::vector<std::int64_t> moe_layers) {
  auto config = small_encoder_config(std::move(moe_layers), 4);
  config.update({{"hidden_size", 256},
                 {"num_attention_heads", 4},
                 {"intermediate_size", 1024},
                 {"max_position_embeddings", kLength}});
  return config;
}

/// A step on as many tokens, forward and back.
void step(Transformer& model, std::int64_t tokens) {
  TokenBatch batch;
  for (std::int64_t i = 0; i < tokens; i += kLength) batch.layout.append(std::min(kLength, tokens - i));
  batch.ids = torch::arange(tokens, torch::kInt64).remainder(61);
  batch.types = torch::zeros({tokens}, torch::kInt64);
  const auto encoding = encode(model, batch, {.mode = Mode::kTraining, .seed = 1});
  encoding.hidden.square().mean().backward();
}

double measured_bytes(Transformer& model) {
  step(model, kLength);  // gradients and what libraries make once
  restart_peak_resident_bytes();
  const std::uint64_t before = resident_bytes();
  step(model, kTokens);
  return static_cast<double>(peak_resident_bytes() - before);
}

TEST(TrainingMemory, IsAboutWhatAStepTakes) {
  for (const auto& layers : std::vector<std::vector<std::int64_t>>{{}, {0, 1, 2}}) {
    auto model = initialize(encoder(layers), "a model", 1);
    visit_parameters(model, [](const std::string&, torch::Tensor& value) { value.set_requires_grad(true); });
    const auto reckoned = static_cast<double>(activation_bytes(model.spec, {kTokens, kLength, 0, 0}));
    const double measured = measured_bytes(model);
    EXPECT_GT(measured, reckoned / kLoosely) << layers.size() << " layers with experts";
    EXPECT_LT(measured, reckoned * kLoosely) << layers.size() << " layers with experts";
  }
}

TEST(TrainingMemory, GrowsWithWhatAStepHolds) {
  const auto spec = initialize(encoder({1}), "a model", 1).spec;
  const auto bytes = activation_bytes(spec, {kTokens, kLength, 0, 0});
  EXPECT_GE(activation_bytes(spec, {2 * kTokens, kLength, 0, 0}), 2 * bytes - 8);
  EXPECT_GT(activation_bytes(spec, {kTokens, 2 * kLength, 0, 0}), bytes);  // attention's probabilities
  EXPECT_EQ(activation_bytes(spec, {kTokens, kLength, 100, 1000}), bytes + 2 * sizeof(float) * 100 * 1000);
}

TEST(TrainingMemory, ThatNoMachineHasIsRefused) {
  const auto model = initialize(encoder({}), "a model", 1);
  EXPECT_NO_THROW(expect_training_memory(model, {kLength, kLength, 1, 2}));
  fixtures::expect_user_error(
      [&] {
        expect_training_memory(model, {std::int64_t{1} << 40, kLength, 1, 2});
      },
      {"a training step on 1099511627776 tokens needs ", "a smaller batch"});
}

}  // namespace
}  // namespace espalier
