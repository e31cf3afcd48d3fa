#include <gtest/gtest.h>
#include <torch/utils.h>

#include "base/error.h"
#include "train/checkpoint.h"
#include "unit/train/small_model.h"

namespace espalier {
namespace {

Transformer dense_model() {
  return small_model(small_config({}));
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

// A gate is near 1/E at the start. With a router noise of 0.02 and inputs of norm about sqrt(D) the logits
// differ by 0.02 sqrt(D) = 0.1; the largest of E softmax gates then exceeds 1/E by some 15%, and so does the
// FFN's output.
TEST(Upcycle, StepZeroIsCloseToTheDenseModel) {
  const auto dense = dense_model();
  const auto batch = small_batch(61);
  const auto expected = encode(dense, batch, {}).hidden;
  for (const std::int64_t K : {1, 2}) {
    const auto model =
        upcycle(dense, {.num_experts = 8, .moe_layers = {0, 1, 2}, .experts_per_token = K, .seed = 3});
    EXPECT_LT(relative_difference(encode(model, batch, {}).hidden, expected), 0.12) << "K = " << K;
  }
}

TEST(Upcycle, WithoutNoiseStepZeroIsTheDenseModel) {
  const auto dense = dense_model();
  const auto batch = small_batch(61);
  const auto model = upcycle(dense, {.num_experts = 4, .moe_layers = {0, 1, 2}, .router_noise = 0.0});
  EXPECT_LT(relative_difference(encode(model, batch, {}).hidden, encode(dense, batch, {}).hidden), 1e-5);
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
  EXPECT_THROW(upcycle(small_model(small_config({1})), {.num_experts = 4, .moe_layers = {0}}), UserError);
}

}  // namespace
}  // namespace espalier
