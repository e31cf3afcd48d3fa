#include "prune/merge_plan.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "prune/explain.h"
#include "prune/reconstruction_plan.h"
#include "unit/base/user_error.h"
#include "unit/prune/token_samples.h"

namespace espalier {
namespace {

using fixtures::expect_user_error;

/// Two layers of 8 experts; i and i + 4 are alike in layer 0, 2i and 2i + 1 in layer 1.
Observations paired_observations() {
  Observations observations;
  observations.topology_sha256 = std::string(64, 'a');
  observations.model_type = "mixtral";
  observations.experts_per_token = 2;
  observations.router = RouterConfig{};
  Rng rng(1);
  for (int number = 0; number < 2; ++number) {
    auto outputs = fixtures::random_outputs(rng, 8, 50, 4);
    for (std::size_t e = 0; e < 4; ++e) {
      const std::size_t a = number == 0 ? e : 2 * e, b = number == 0 ? e + 4 : 2 * e + 1;
      for (std::size_t n = 0; n < 50; ++n)
        for (std::size_t d = 0; d < 4; ++d) outputs[b][n][d] = outputs[a][n][d] + 0.01 * rng.normal();
    }
    fixtures::Rows logits;
    for (std::size_t n = 0; n < 50; ++n) {
      logits.emplace_back();
      for (std::size_t e = 0; e < 8; ++e) logits.back().push_back(rng.normal());
    }
    LayerObservations layer(number, 8, 4);
    layer.tokens = 50;
    layer.expert_bytes = 10;
    layer.every_expert = reference::moments_of(outputs);
    layer.samples = fixtures::samples_of(outputs, logits, fixtures::gates_by(*observations.router, logits));
    for (std::size_t e = 0; e < 8; ++e) {
      layer.routed[e] = static_cast<double>(e == 7 ? 0 : 10 + e);
      layer.gate_sum[e] = 0.5 * layer.routed[e];
      layer.logit_product_sum[e * 8 + e] = 1;
    }
    observations.layers.push_back(layer);
  }
  return observations;
}

MergeRule rule_of(const char* similarity, const char* grouping, const char* weights) {
  return {&find_similarity(similarity), &find_grouping(grouping), &find_merge_weighting(weights)};
}

OneShotRule keep(const char* text) {
  OneShotRule rule;
  rule.keep = parse_keep(text);
  return rule;
}

TEST(MergePlan, FindsThePairsAndNumbersThemByTheMostUsed) {
  const Plan plan =
      merge_plan(paired_observations(), rule_of("cka", "partition", "frequency"), keep("4"), 42);
  ASSERT_EQ(plan.layers.size(), 2u);
  EXPECT_EQ(plan.provenance.criterion, "merge cka partition frequency");
  EXPECT_EQ(plan.layers[0].keep, (std::vector<int>{3, 4, 5, 6})) << "7 is never routed";
  EXPECT_EQ(plan.layers[1].keep, (std::vector<int>{1, 3, 5, 6}));
  ASSERT_EQ(plan.layers[0].merge.size(), 4u);
  const ExpertMerge& first = plan.layers[0].merge[0];
  EXPECT_EQ(first.into, 4);
  EXPECT_EQ(first.from, (std::vector<int>{0, 4}));
  EXPECT_DOUBLE_EQ(first.weights[0], 10.0 / 24);
  EXPECT_NE(plan.layers[0].reason.at(0).find("merged into 4, cka "), std::string::npos);
}

TEST(MergePlan, ExplainShowsGroupsAndWeights) {
  const Plan plan = merge_plan(paired_observations(), rule_of("cka", "partition", "uniform"), keep("4"), 42);
  const std::string text = to_text(explain(plan, nullptr));
  EXPECT_NE(text.find("4 = 0.5 of 0 + 0.5 of 4\n"), std::string::npos) << text;
  EXPECT_NE(text.find("0.5 of 4  merged into 4, cka"), std::string::npos) << text;
  const auto json = to_json(explain(plan, nullptr));
  EXPECT_EQ(json.at("layers")[0].at("experts")[0].at("into"), 4);
  EXPECT_EQ(json.at("layers")[0].at("experts")[0].at("weight"), 0.5);
  EXPECT_NE(to_html(explain(plan, nullptr), "t").find("Expert 4 becomes 0.5 of 0 + 0.5 of 4"),
            std::string::npos);
}

TEST(MergePlan, EveryMethodMakesAValidPlanForEveryCount) {
  for (const MergeMethod& method : merge_methods()) {
    for (const char* count : {"2", "4", "6", "0.75"}) {
      const Plan plan = merge_plan(paired_observations(),
                                   {&find_similarity(method.similarity), &find_grouping(method.grouping),
                                    &find_merge_weighting(method.weighting)},
                                   keep(count), 42);
      for (const LayerPlan& layer : plan.layers) {
        std::size_t experts = layer.keep.size();
        for (const ExpertMerge& merge : layer.merge) experts += merge.from.size() - 1;
        EXPECT_EQ(experts, 8u) << "every expert stays or is merged";
      }
    }
  }
}

TEST(MergePlan, ProtectedExpertsStayAlone) {
  OneShotRule rule = keep("4");
  rule.protect = {{0, 2}};
  const Plan plan = merge_plan(paired_observations(), rule_of("cka", "linkage", "uniform"), rule, 42);
  for (const ExpertMerge& merge : plan.layers[0].merge)
    EXPECT_EQ(std::count(merge.from.begin(), merge.from.end(), 2), 0);
  EXPECT_TRUE(std::binary_search(plan.layers[0].keep.begin(), plan.layers[0].keep.end(), 2));
  EXPECT_EQ(plan.layers[0].keep.size(), 4u);
}

TEST(MergePlan, GroupsStayWithinRouterGroups) {
  Observations observations = paired_observations();
  observations.router_groups = 2;
  observations.router_top_groups = 1;
  const Plan plan = merge_plan(observations, rule_of("cka", "partition", "uniform"), keep("4"), 42);
  for (const LayerPlan& layer : plan.layers) {
    EXPECT_EQ(std::count_if(layer.keep.begin(), layer.keep.end(), [](int e) { return e < 4; }), 2);
    for (const ExpertMerge& merge : layer.merge)
      for (const int expert : merge.from) EXPECT_EQ(expert / 4, merge.into / 4);
  }
}

TEST(MergePlan, AGlobalBudgetTakesFromTheLayerThatLosesLeast) {
  Observations observations = paired_observations();
  Rng rng(5);  // nobody is like anybody in layer 1
  observations.layers[1].every_expert = reference::moments_of(fixtures::random_outputs(rng, 8, 50, 4));
  OneShotRule rule = keep("6");
  rule.budget = PlanBudget::kGlobal;
  const Plan plan = merge_plan(observations, rule_of("cka", "partition", "uniform"), rule, 42);
  EXPECT_EQ(plan.layers[0].keep.size() + plan.layers[1].keep.size(), 12u);
  EXPECT_LT(plan.layers[0].keep.size(), plan.layers[1].keep.size());
}

TEST(MergePlan, FallbacksAreVisible) {
  Observations observations = paired_observations();
  for (LayerObservations& layer : observations.layers) layer.routed[6] = layer.routed[7] = 0;
  const Plan plan = merge_plan(observations, rule_of("cka", "partition", "frequency"), keep("4"), 42);
  const auto lines = merge_fallbacks(plan);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(lines[0], "layer 1, experts 6, 7: never routed: uniform weights");
}

TEST(MergePlan, BadInputIsAnErrorThatSaysWhatToDo) {
  Observations bare = paired_observations();
  for (LayerObservations& layer : bare.layers) {
    layer.every_expert.reset();
    layer.samples.reset();
  }
  const auto merge = [&](const Observations& of, const char* similarity, const char* weights,
                         OneShotRule rule) {
    merge_plan(of, rule_of(similarity, "partition", weights), rule, 42);
  };
  expect_user_error([&] { merge(bare, "cka", "uniform", keep("4")); }, {"layer 0", "--similarity cka"});
  expect_user_error([&] { merge(bare, "logits", "least_squares", keep("4")); }, {"--keep-tokens"});
  expect_user_error([&] { merge(bare, "logits", "uniform", keep("1")); }, {"visits 2"});
  OneShotRule global = keep("0.5");
  global.budget = PlanBudget::kGlobal;
  global.keep = KeepBytes{100};
  expect_user_error([&] { merge(bare, "logits", "uniform", global); }, {"--keep-bytes"});
  expect_user_error([&] { reconstruction_plan(bare, find_subset_search("beam"), keep("4"), 42); },
                    {"layer 0: the observations kept no single tokens", "--keep-tokens"});
  Observations nan = paired_observations();
  nan.layers[1].logit_product_sum[3] = std::nan("");
  expect_user_error([&] { merge(nan, "logits", "uniform", keep("4")); },
                    {"layer 1: logits of experts 0 and 3"});
  Observations dataless = paired_observations();
  for (LayerObservations& layer : dataless.layers) {
    layer.tokens = 0;
    layer.weight_cosine.assign(64, 0.5);
  }
  expect_user_error([&] { merge(dataless, "weights", "frequency", keep("4")); },
                    {"without tokens", "--weights uniform"});
  merge(dataless, "weights", "uniform", keep("4"));
}

TEST(ReconstructionPlan, DropsOneOfEachPair) {
  const Plan plan =
      reconstruction_plan(paired_observations(), find_subset_search("automatic"), keep("4"), 42);
  EXPECT_EQ(plan.provenance.criterion, "reconstruction automatic");
  for (const LayerPlan& layer : plan.layers) {
    EXPECT_EQ(layer.keep.size(), 4u);
    EXPECT_TRUE(layer.merge.empty());
    EXPECT_EQ(layer.reason.size(), 4u);
    EXPECT_NE(layer.reason.begin()->second.find("on 50 tokens, best of 70"), std::string::npos);
  }
}

}  // namespace
}  // namespace espalier
