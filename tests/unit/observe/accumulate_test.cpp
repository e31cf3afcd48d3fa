// Hand-worked sums of a router's decisions and of what experts computed.
#include "observe/accumulate.h"

#include <gtest/gtest.h>

#include <cmath>

namespace espalier {
namespace {

using Numbers = std::vector<double>;

/// Two tokens, three rows, two slots: gates need not be alpha (a router may normalise them).
struct TwoTokens {
  std::vector<float> alpha{0.5F, 0.25F, 0.25F, 0.125F, 0.125F, 0.75F};
  std::vector<float> logits{2, 1, 1, -1, -1, 3};
  std::vector<float> gates{0.75F, 0.25F, 0.5F, 0.5F};
  std::vector<std::int32_t> chosen{0, 2, 2, 1};

  infer::RoutingView tokens() const {
    return {.tokens = 2,
            .rows = 3,
            .slots = 2,
            .logits = logits.data(),
            .alpha = alpha.data(),
            .chosen = chosen.data(),
            .gates = gates.data()};
  }
};

TEST(AddRouting, CountsChoicesAndSumsScores) {
  const TwoTokens two;
  LayerObservations sums(0, 3, 0);
  add_routing(two.tokens(), RoutingStatistics::kAll, sums);
  EXPECT_EQ(sums.tokens, 2);
  EXPECT_EQ(sums.routed, (Numbers{1, 1, 2}));
  EXPECT_EQ(sums.gate_sum, (Numbers{0.75, 0.5, 0.75}));
  EXPECT_EQ(sums.top1, (Numbers{1, 0, 1}));
  EXPECT_EQ(sums.top1_gate_sum, (Numbers{0.75, 0, 0.5}));
  EXPECT_EQ(sums.score_sum, (Numbers{0.625, 0.375, 1}));
  EXPECT_EQ(sums.together, (Numbers{1, 0, 1, 0, 1, 1, 1, 1, 2}));
  EXPECT_EQ(sums.logit_sum, (Numbers{1, 0, 4}));
  EXPECT_EQ(sums.logit_product_sum, (Numbers{5, 3, -1, 3, 2, -2, -1, -2, 10}));
  const double entropy = 0.5 * std::log(2) + 0.5 * std::log(4) + 0.25 * std::log(8) - 0.75 * std::log(0.75);
  EXPECT_NEAR(sums.entropy_sum, entropy, 1e-6);  // logarithms of float32
}

TEST(AddRouting, OfCriteriaIsTheSameWithoutPairsLogitsAndEntropy) {
  TwoTokens two;
  LayerObservations sums(0, 3, 0), all(0, 3, 0);
  add_routing(two.tokens(), RoutingStatistics::kAll, all);
  auto tokens = two.tokens();
  tokens.logits = nullptr;
  add_routing(tokens, RoutingStatistics::kOfCriteria, sums);
  EXPECT_EQ(sums.tokens, all.tokens);
  EXPECT_EQ(sums.routed, all.routed);
  EXPECT_EQ(sums.top1_gate_sum, all.top1_gate_sum);
  EXPECT_EQ(sums.score_sum, all.score_sum);
  EXPECT_EQ(sums.together, Numbers(9, 0.0));
  EXPECT_EQ(sums.entropy_sum, 0);
}

TEST(AddRouting, RowsWithoutAnExpertAreCountedNowhere) {
  const TwoTokens two;
  auto tokens = two.tokens();
  const std::vector<std::int32_t> expert_of_row{0, -1, 1};
  tokens.expert_of_row = expert_of_row;
  LayerObservations sums(0, 2, 0);
  add_routing(tokens, RoutingStatistics::kAll, sums);
  EXPECT_EQ(sums.routed, (Numbers{1, 2}));
  EXPECT_EQ(sums.score_sum, (Numbers{0.625, 1}));
  EXPECT_EQ(sums.logit_product_sum, (Numbers{5, -1, -1, 10}));
  EXPECT_EQ(sums.together, (Numbers{1, 1, 1, 2}));
}

TEST(AddRouting, WhereExpertsChooseTheLargestGateIsBest) {
  TwoTokens two;
  two.chosen = {0, 1, 2, -1, -1, -1};  // nobody takes the second token
  two.gates = two.alpha;
  auto tokens = two.tokens();
  tokens.slots = 3;
  tokens.order = infer::SlotOrder::kByExpert;
  two.gates[1] = 0.625F;
  LayerObservations sums(0, 3, 0);
  add_routing(tokens, RoutingStatistics::kOfCriteria, sums);
  EXPECT_EQ(sums.routed, (Numbers{1, 1, 1}));
  EXPECT_EQ(sums.top1, (Numbers{0, 1, 0}));
  EXPECT_EQ(sums.top1_gate_sum, (Numbers{0, 0.625, 0}));
}

TEST(AddOutputs, SumsNormsAndTheirProductsWithGates) {
  const std::vector<float> outputs{3, 4, 0, 1}, gates{0.5F, 0.25F};
  LayerObservations sums(0, 2, 2), narrow(0, 2, 0);
  for (auto* to : {&sums, &narrow}) add_outputs({1, {}, gates, outputs.data()}, 2, *to);
  EXPECT_EQ(sums.norm_sum, (Numbers{0, 6}));
  EXPECT_EQ(sums.norm_max, (Numbers{0, 5}));
  EXPECT_EQ(sums.weighted_norm_sum, (Numbers{0, 2.75}));
  EXPECT_EQ(sums.weighted_norm_max, (Numbers{0, 2.5}));
  EXPECT_EQ(sums.output_sum, (Numbers{0, 0, 3, 5}));
  EXPECT_EQ(narrow.norm_sum, sums.norm_sum) << "no place for the outputs themselves";
}

}  // namespace
}  // namespace espalier
