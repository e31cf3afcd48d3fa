// A plan applied in memory: what stays is untouched, what goes is gone, and the rest computes as if the
// others had never been there.
#include "train/apply_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <limits>

#include "base/error.h"
#include "checkpoint/checkpoint.h"
#include "temporary_folder.h"
#include "unit/train/small_model.h"

namespace espalier {
namespace {

using ::testing::HasSubstr;

Plan keep(std::vector<std::pair<int, std::vector<int>>> layers, int before = 4, int k = 1) {
  Plan plan;
  plan.experts_per_token = k;
  for (auto& [layer, experts] : layers)
    plan.layers.push_back({layer, before, std::move(experts), {}, {}, {}});
  return plan;
}

std::vector<std::string> names_of(const Transformer& model) {
  std::vector<std::string> names;
  visit_parameters(const_cast<Transformer&>(model),
                   [&](const std::string& name, torch::Tensor&) { names.push_back(name); });
  return names;
}

const MoeWeights& moe_of(const Transformer& model, std::size_t block) {
  return std::get<MoeWeights>(model.blocks[block].feed_forward);
}

/// Removing experts and hiding them behind a logit of minus infinity must be one thing: the router rows of
/// the hidden are made so small for every token that their softmax is 0.
torch::Tensor masked_feed_forward(const MoeWeights& moe, const torch::Tensor& x,
                                  const std::vector<int>& alive) {
  auto logits = torch::matmul(x, moe.router.t());
  auto hidden = torch::full_like(logits, -std::numeric_limits<float>::infinity());
  for (const auto e : alive) hidden.select(1, e).copy_(logits.select(1, e));
  const auto alpha = torch::softmax(hidden, -1);
  const auto [gate, chosen] = alpha.max(-1);
  std::vector<torch::Tensor> rows;
  for (std::int64_t n = 0; n < x.size(0); ++n) {
    const auto e = chosen[n].item<std::int64_t>();
    const auto middle = torch::gelu(torch::mv(moe.experts.up[e], x[n]) + moe.experts.up_bias[e]);
    rows.push_back(gate[n] * (torch::mv(moe.experts.down[e], middle) + moe.experts.down_bias[e]));
  }
  return torch::stack(rows);
}

TEST(ApplyPlan, KeepsTheSurvivorsAndTheirRouterRows) {
  const auto before = small_model(small_encoder_config({0, 2}));
  auto model = before;
  apply_plan(keep({{2, {1, 3}}}), model);
  EXPECT_EQ(model.spec.blocks[0].experts(), 4);
  EXPECT_EQ(model.spec.blocks[2].experts(), 2);
  const auto &was = moe_of(before, 2), &is = moe_of(model, 2);
  for (const auto& [row, expert] : {std::pair{0, 1}, std::pair{1, 3}}) {
    EXPECT_TRUE(torch::equal(is.router[row], was.router[expert]));
    EXPECT_TRUE(torch::equal(is.experts.up[row], was.experts.up[expert]));
    EXPECT_TRUE(torch::equal(is.experts.up_bias[row], was.experts.up_bias[expert]));
    EXPECT_TRUE(torch::equal(is.experts.down[row], was.experts.down[expert]));
    EXPECT_TRUE(torch::equal(is.experts.down_bias[row], was.experts.down_bias[expert]));
  }
  EXPECT_TRUE(moe_of(model, 0).experts.up.is_same(moe_of(before, 0).experts.up)) << "not in the plan";
  EXPECT_EQ(is.experts.up.storage().nbytes(), 2 * was.experts.up[0].nbytes())
      << "the dropped must leave memory";
}

TEST(ApplyPlan, RemovedAndMaskedExpertsGiveTheSame) {
  const auto model = small_model(small_encoder_config({1}));
  auto pruned = model;
  apply_plan(keep({{1, {0, 2, 3}}}), pruned);
  const auto x = torch::tensor(std::vector<float>(24 * 7, 0.0F)).view({7, 24});
  Rng rng(5);
  for (std::int64_t i = 0; i < x.numel(); ++i) x.data_ptr<float>()[i] = static_cast<float>(rng.normal());
  const auto run = [&](const MoeWeights& layer, const auto& forward_of) {
    std::vector<torch::Tensor> leaves{layer.router, layer.experts.up, layer.experts.down};
    for (auto& leaf : leaves) leaf = leaf.detach().clone().set_requires_grad(true);
    const auto own =
        moe_layer(leaves[0], {leaves[1], layer.experts.up_bias, leaves[2], layer.experts.down_bias});
    const auto y = forward_of(own);
    (y * y).sum().backward();
    return std::pair{y.detach(), leaves};
  };
  const auto [masked, all] = run(moe_of(model, 1), [&](const MoeWeights& moe) {
    return masked_feed_forward(moe, x, {0, 2, 3});
  });
  for (const auto backend : {Backend::kOneDnn, Backend::kTorch}) {
    const auto [removed, kept] =
        run(moe_of(pruned, 1), [&](const MoeWeights& moe) { return forward(ops(backend), moe, x, {}, 0).y; });
    EXPECT_LT(relative_difference(removed, masked), 1e-5);
    const auto rows = torch::tensor({0, 2, 3}, torch::kInt64);
    for (std::size_t i = 0; i < kept.size(); ++i)
      EXPECT_LT(relative_difference(kept[i].grad(), all[i].grad().index_select(0, rows)), 1e-4) << i;
  }
}

TEST(ApplyPlan, OneSurvivorIsAPlainFfnAndTheModelAnOrdinaryBert) {
  const auto before = small_model(small_encoder_config({0, 2}));
  auto model = before;
  apply_plan(keep({{0, {2}}, {2, {1}}}), model);
  EXPECT_EQ(model.spec.family, "bert");
  EXPECT_TRUE(arch::moe_layers(model.spec).empty());
  EXPECT_EQ(names_of(model), names_of(small_model(small_encoder_config({}))));
  const auto& ffn = std::get<FeedForwardWeights>(model.blocks[2].feed_forward);
  EXPECT_TRUE(torch::equal(ffn.up, moe_of(before, 2).experts.up[1]));
  EXPECT_TRUE(torch::equal(ffn.down_bias, moe_of(before, 2).experts.down_bias[1]));
  const TemporaryFolder folder;
  save(model, folder.path(), Dtype::kF32);
  const auto loaded = load(Checkpoint::open(folder.path()));
  const auto batch = small_batch(61);
  EXPECT_TRUE(torch::equal(encode(loaded, batch, {}).hidden, encode(model, batch, {}).hidden));
}

TEST(ApplyPlan, LowersKWhereFewerAreLeft) {
  auto config = small_encoder_config({1});
  config["num_experts_per_tok"] = 3;
  auto model = small_model(config);
  apply_plan(keep({{1, {0, 3}}}, 4, 2), model);
  EXPECT_EQ(model.spec.blocks[1].moe()->router.rule.experts_per_token, 2);
  EXPECT_EQ(encode(model, small_batch(61), {}).hidden.size(0), 35);
}

TEST(ApplyPlan, MergesWithTheRouterRow) {
  const auto before = small_model(small_encoder_config({1}));
  auto model = before;
  auto plan = keep({{1, {0, 3}}});
  plan.layers[0].merge.push_back({0, {0, 2}, {0.75, 0.25}});
  apply_plan(plan, model);
  const auto &was = moe_of(before, 1), &is = moe_of(model, 1);
  EXPECT_LT(relative_difference(is.experts.up[0], 0.75 * was.experts.up[0] + 0.25 * was.experts.up[2]), 1e-6);
  EXPECT_LT(relative_difference(is.router[0], 0.75 * was.router[0] + 0.25 * was.router[2]), 1e-6);
  EXPECT_TRUE(torch::equal(is.experts.up[1], was.experts.up[3]));
}

TEST(ApplyPlan, RefusesThePlanOfAnotherModel) {
  const auto fails = [](const Plan& plan, const char* message) {
    auto model = small_model(small_encoder_config({1}));
    try {
      apply_plan(plan, model);
      ADD_FAILURE() << message;
    } catch (const UserError& error) {
      EXPECT_THAT(error.what(), HasSubstr(message));
    }
    EXPECT_EQ(model.spec.blocks[1].experts(), 4) << "nothing may have changed";
  };
  fails(keep({{0, {1}}}), "layer 0, which has no experts");
  fails(keep({{7, {1}}}), "layer 7, which has no experts");
  fails(keep({{1, {1}}}, 8), "for 8 experts in layer 1, the model has 4");
  auto zero = keep({{1, {1}}});
  zero.router = PlanRouter::kZeroOutput;
  fails(zero, "zero_output");
}

}  // namespace
}  // namespace espalier
