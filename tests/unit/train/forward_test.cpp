#include <gtest/gtest.h>
#include <torch/utils.h>

#include "base/error.h"
#include "train/forward.h"
#include "train/upcycle.h"
#include "unit/train/small_model.h"

namespace espalier {
namespace {

TEST(Forward, DropoutRunsInTrainingAloneAndFollowsTheSeed) {
  const auto model = small_model(small_encoder_config());
  const auto batch = small_batch(61);
  const auto hidden = [&](Mode mode, std::uint64_t seed) {
    return encode(model, batch, {.mode = mode, .seed = seed}).hidden;
  };
  EXPECT_TRUE(torch::equal(hidden(Mode::kEvaluation, 1), hidden(Mode::kEvaluation, 2)));
  EXPECT_TRUE(torch::equal(hidden(Mode::kTraining, 1), hidden(Mode::kTraining, 1)));
  EXPECT_FALSE(torch::equal(hidden(Mode::kTraining, 1), hidden(Mode::kTraining, 2)));
}

TEST(Forward, ASequenceDoesNotDependOnItsBatch) {
  const auto model = small_model(small_encoder_config());
  const auto batch = small_batch(61);
  const auto packed = encode(model, batch, {}).hidden.narrow(0, 6, 20);
  const TokenBatch alone{batch.ids.narrow(0, 6, 20), batch.types.narrow(0, 6, 20),
                         SequenceLayout::uniform(1, 20)};
  EXPECT_LT(relative_difference(packed, encode(model, alone, {}).hidden), 1e-6);
}

TEST(Forward, ReportsTheRoutingOfEveryMoeLayer) {
  auto config = small_encoder_config({0, 2}, 5);
  config["num_experts_per_tok"] = 2;
  std::vector<std::int64_t> seen;
  const auto encoding = encode(small_model(config), small_batch(61),
                               {.on_routing = [&](std::int64_t block, const Routing& routing) {
                                 seen.push_back(block);
                                 EXPECT_EQ(routing.chosen.sizes(), (std::vector<std::int64_t>{35, 2}));
                               }});
  EXPECT_EQ(seen, (std::vector<std::int64_t>{0, 2}));
  EXPECT_GE(encoding.balance_loss.item<double>(), 1.0) << "two layers, each about 1";
}

// The dense model is the same code with no MoE blocks, and one expert is a dense FFN with gate 1.
TEST(Forward, OneExpertIsTheDenseModel) {
  const auto dense = small_model(small_encoder_config({}));
  const auto moe = upcycle(dense, {.num_experts = 1, .moe_layers = {0, 1, 2}});
  const auto batch = small_batch(61);
  const auto encoding = encode(dense, batch, {.mode = Mode::kTraining, .seed = 9});
  EXPECT_FALSE(encoding.balance_loss.defined());
  EXPECT_LT(
      relative_difference(encode(moe, batch, {.mode = Mode::kTraining, .seed = 9}).hidden, encoding.hidden),
      1e-6);
}

// The experts' order is a name: with router rows and experts permuted alike, the output stays.
TEST(Forward, PermutingTheExpertsKeepsTheOutput) {
  auto config = small_encoder_config({1}, 4);
  config["num_experts_per_tok"] = 2;
  const auto model = small_model(config);
  const auto order = torch::tensor({2, 0, 3, 1}, torch::kInt64);  // new expert i was order[i]
  auto permuted = model;
  auto& moe = std::get<MoeWeights>(permuted.blocks[1].feed_forward);
  for (auto* t :
       {&moe.router, &moe.experts.up, &moe.experts.up_bias, &moe.experts.down, &moe.experts.down_bias})
    *t = t->index_select(0, order);
  torch::Tensor before, after;
  const auto batch = small_batch(61);
  const auto y =
      encode(model, batch, {.on_routing = [&](std::int64_t, const Routing& r) { before = r.chosen; }}).hidden;
  const auto z =
      encode(permuted, batch, {.on_routing = [&](std::int64_t, const Routing& r) { after = r.chosen; }})
          .hidden;
  EXPECT_LT(relative_difference(z, y), 1e-6);
  EXPECT_TRUE(torch::equal(order.index_select(0, after.flatten().to(torch::kInt64)),
                           before.flatten().to(torch::kInt64)));
}

// A last block of experts routes all tokens, a dense one computes the wanted rows alone: the same numbers.
TEST(Forward, SomeRowsAreThoseOfAll) {
  const auto rows = torch::tensor({33, 2, 2, 7}, torch::kInt64);
  const auto batch = small_batch(61);
  for (const auto& layers : {std::vector<std::int64_t>{1}, {2}}) {
    const auto model = small_model(small_encoder_config(layers));
    std::map<std::string, torch::Tensor> gradients;
    for (const bool of_all : {true, false}) {
      auto parameters = parameters_of(model);
      for (auto& [name, parameter] : parameters) {
        parameter.set_requires_grad(true);
        parameter.mutable_grad() = torch::Tensor();
      }
      const auto hidden = of_all ? encode(model, batch, {}).hidden.index_select(0, rows)
                                 : encode(model, batch, {}, rows).hidden;
      EXPECT_EQ(hidden.sizes(), (std::vector<std::int64_t>{4, 24}));
      hidden.square().sum().backward();
      for (auto& [name, parameter] : parameters) {
        if (of_all || !parameter.grad().defined())
          gradients[name] = parameter.grad();
        else
          EXPECT_LT(relative_difference(parameter.grad(), gradients.at(name)), 1e-5) << name;
      }
    }
  }
}

TEST(Forward, RefusesWhatDoesNotFit) {
  const auto model = small_model(small_encoder_config());
  const auto run = [&](std::vector<std::int64_t> ids) {
    const auto N = static_cast<std::int64_t>(ids.size());
    return encode(model, {torch::tensor(ids, torch::kInt64), {}, SequenceLayout::uniform(1, N)}, {});
  };
  EXPECT_NO_THROW(run({60}));
  EXPECT_THROW(run({61}), UserError);
  EXPECT_THROW(run({-1}), UserError);
  EXPECT_THROW(run(std::vector<std::int64_t>(21, 1)), UserError);
}

TEST(Parameters, NamesAreUniqueAndCountsAddUp) {
  auto model = small_model(small_encoder_config({0, 2}, 3));
  reset_classifier(model, 3, 0);
  std::int64_t visited = 0, elements = 0;
  visit_parameters(model, [&](const std::string&, torch::Tensor& parameter) {
    ++visited;
    elements += parameter.numel();
  });
  EXPECT_EQ(static_cast<std::int64_t>(parameters_of(model).size()), visited);
  EXPECT_EQ(parameter_count(model), elements);
  const std::int64_t D = 24, F = 37, E = 3;
  const auto attention = 4 * (D * D + D) + 2 * D, ffn = 2 * F * D + F + D;
  EXPECT_EQ(elements, (61 + 20 + 2) * D + 2 * D + 3 * (attention + 2 * D) + ffn + 2 * (E * ffn + E * D) +
                          (D * D + D) + (D * D + D + 2 * D + 61) + 3 * (D + 1));
}

TEST(Parameters, InitialWeightsDependOnNameAndSeedAlone) {
  const auto dense = parameters_of(initialize(small_encoder_config({}), "small", 5)),
             moe = parameters_of(initialize(small_encoder_config({1}), "small", 5));
  const auto name = "bert.encoder.layer.2.intermediate.dense.weight";
  EXPECT_TRUE(torch::equal(dense.at(name), moe.at(name)));
  EXPECT_FALSE(
      torch::equal(dense.at(name), parameters_of(initialize(small_encoder_config({}), "small", 6)).at(name)));
  EXPECT_NEAR(dense.at(name).std().item<double>(), 0.02, 0.003);
  EXPECT_EQ(dense.at("bert.encoder.layer.0.output.LayerNorm.weight").sum().item<double>(), 24.0);
  EXPECT_EQ(moe.at("bert.encoder.layer.1.moe.experts.up_bias").abs().sum().item<double>(), 0.0);
}

}  // namespace
}  // namespace espalier
