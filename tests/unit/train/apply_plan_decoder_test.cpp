// A plan applied to a decoder in training against the same plan applied to what is loaded.
#include "train/apply_plan.h"

#include <gtest/gtest.h>

#include "infer/decoder_forward.h"
#include "train/checkpoint.h"
#include "train/forward.h"
#include "unit/base/user_error.h"
#include "unit/infer/small_decoder.h"
#include "unit/train/ops/backends.h"

namespace espalier {

using namespace train;

namespace {

constexpr double kTolerance = 1e-5;  // of float32 with sums in any order

LayerPlan keeping(int layer, int before, std::vector<int> keep) {
  return {layer, before, std::move(keep), {}, {}, {}};
}

Values logits(const Transformer& model, const std::vector<std::int32_t>& ids) {
  const torch::NoGradGuard no_grad;
  const std::vector<std::int64_t> wide(ids.begin(), ids.end());
  const auto layout = SequenceLayout::uniform(1, static_cast<std::int64_t>(wide.size()));
  const auto hidden = train::encode(model, {torch::tensor(wide, torch::kInt64), {}, layout}, {}).hidden;
  return values_of(next_token_logits(model, hidden, {}));
}

infer::DecoderModel saved_and_loaded(const Transformer& model) {
  const TemporaryFolder folder;
  save(model, folder / "model", Dtype::kF32);
  return infer::load_decoder(Checkpoint::open(folder / "model"));
}

class ApplyPlanFamilies : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Families, ApplyPlanFamilies,
                         ::testing::Values("mixtral", "qwen2-moe", "qwen3-moe", "deepseek-v1"));

TEST_P(ApplyPlanFamilies, DroppingInTrainingIsKeepingInTheLoadedModel) {
  const SmallDecoder small(golden_config(GetParam()), 2);
  const auto loaded = infer::load_decoder(small.open());
  auto model = train::load(small.open());
  Plan plan;
  plan.experts_per_token = static_cast<int>(arch::routing_rule(loaded.spec).experts_per_token);
  std::vector<std::vector<std::int64_t>> keep(loaded.blocks.size());
  for (std::size_t layer = 0; layer < loaded.blocks.size(); ++layer) {
    const auto E = static_cast<int>(loaded.spec.blocks[layer].experts());
    if (E == 0) continue;
    std::vector<int> stay;
    for (int e = 0; e < E; ++e)
      if (e != 1) stay.push_back(e);
    keep[layer].assign(stay.begin(), stay.end());
    plan.layers.push_back(keeping(static_cast<int>(layer), E, stay));
  }
  apply_plan(plan, model);
  const auto ids = random_ids(11, loaded.vocabulary(), 4);
  const auto pruned = keep_experts(loaded, keep);
  const auto expected = values_of(logits_of(pruned, run_sequence(pruned, ids)));
  expect_close(logits(model, ids), expected, kTolerance, "in training");
  const auto again = saved_and_loaded(model);
  expect_close(values_of(logits_of(again, run_sequence(again, ids))), expected, kTolerance, "as it is saved");
}

TEST_P(ApplyPlanFamilies, ALoneExpertHasNoRouterAndTheSavedModelGivesTheSame) {
  const SmallDecoder small(golden_config(GetParam()), 2);
  auto model = train::load(small.open());
  const auto before = parameter_count(model);
  Plan plan;
  plan.experts_per_token = 1;
  for (std::size_t layer = 0; layer < model.blocks.size(); ++layer)
    if (const auto E = static_cast<int>(model.spec.blocks[layer].experts()); E > 0)
      plan.layers.push_back(keeping(static_cast<int>(layer), E, {E - 1}));
  apply_plan(plan, model);
  EXPECT_LT(parameter_count(model), before);
  visit_parameters(model, [](const std::string& name, torch::Tensor&) {
    EXPECT_FALSE(name.ends_with(".gate.weight")) << name;
  });
  const auto ids = random_ids(11, model.spec.text().vocabulary, 4);
  const auto saved = saved_and_loaded(model);
  expect_close(logits(model, ids), values_of(logits_of(saved, run_sequence(saved, ids))), kTolerance,
               "logits");
  for (std::size_t layer = 0; layer < model.blocks.size(); ++layer)
    EXPECT_EQ(saved.spec.blocks[layer].experts(), model.spec.blocks[layer].experts());
  EXPECT_EQ(arch::routing_rule(saved.spec).experts_per_token, 1);
}

TEST(ApplyPlanDecoder, MergesAreWeightedSums) {
  const SmallDecoder small(golden_config("mixtral"), 2);
  auto model = train::load(small.open());
  const auto E = static_cast<int>(model.spec.blocks[0].experts());
  const auto before = model.blocks[0].moe()->experts.down.clone(),
             router = model.blocks[0].moe()->router.clone();
  auto layer = keeping(0, E, {0, 2});
  layer.merge.push_back({2, {1, 2}, {0.25, 0.75}});
  Plan plan;
  plan.experts_per_token = 2;
  plan.layers.push_back(layer);
  apply_plan(plan, model);
  const auto& moe = *model.blocks[0].moe();
  EXPECT_TRUE(torch::equal(moe.experts.down[0], before[0]));
  EXPECT_TRUE(torch::allclose(moe.experts.down[1], 0.25 * before[1] + 0.75 * before[2]));
  EXPECT_TRUE(torch::allclose(moe.router[1], 0.25 * router[1] + 0.75 * router[2]));
}

TEST(ApplyPlanDecoder, APlanOfAnotherModelIsAnError) {
  const SmallDecoder small(golden_config("mixtral"), 2);
  auto model = train::load(small.open());
  Plan plan;
  plan.layers.push_back(keeping(0, 99, {0}));
  fixtures::expect_user_error([&] { apply_plan(plan, model); }, {"99 experts in layer 0"});
  plan.layers = {keeping(77, 2, {0})};
  fixtures::expect_user_error([&] { apply_plan(plan, model); }, {"layer 77"});
  plan.router = PlanRouter::kZeroOutput;
  fixtures::expect_user_error([&] { apply_plan(plan, model); }, {"zero_output"});
}

}  // namespace
}  // namespace espalier
