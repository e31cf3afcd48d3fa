// What is counted of routers that keep rows of pruned experts, and of experts that choose their tokens; the
// rest is held against plain loops in observe_test.
#include "observe/layer_observer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "values.h"

namespace espalier {
namespace {

constexpr double kRounding = 1e-6;
constexpr float kNone = -std::numeric_limits<float>::infinity();

TEST(LayerObserver, CountsWhatWentToPrunedExpertsNowhere) {
  // Rows 0, 1, 2; row 1 has no expert, row 2 is expert 1's.
  const std::vector<std::int32_t> expert_of_row{0, -1, 1};
  const std::vector<float> logits{1, 2, 3, 4, 5, 6};
  const std::vector<float> alpha{0.2F, 0.3F, 0.5F, 0.1F, 0.6F, 0.3F};
  const std::vector<std::int32_t> chosen{2, 1, 1, 0};
  const std::vector<float> gates{0.5F, 0.3F, 0.6F, 0.1F};
  LayerObserver observer(0, 2, 1);
  observer.routed({2, 3, 2, logits.data(), alpha.data(), chosen.data(), gates.data(),
                   infer::SlotOrder::kBestFirst, expert_of_row});
  const LayerObservations& sums = observer.observations();
  EXPECT_EQ(sums.tokens, 2);
  EXPECT_EQ(sums.routed, (std::vector<double>{1, 1}));
  EXPECT_EQ(sums.top1, (std::vector<double>{0, 1})) << "the second token's best one is gone";
  EXPECT_EQ(sums.together, (std::vector<double>{1, 0, 0, 1}));
  expect_close(sums.score_sum, {0.3, 0.8}, kRounding, "scores");
  EXPECT_EQ(sums.logit_sum, (std::vector<double>{5, 9}));
  EXPECT_EQ(sums.logit_product_sum, (std::vector<double>{1 + 16, 3 + 24, 3 + 24, 9 + 36}));
  double entropy = 0;
  for (const float p : alpha) entropy -= static_cast<double>(p) * std::log(static_cast<double>(p));
  EXPECT_NEAR(sums.entropy_sum, entropy, kRounding);
}

TEST(LayerObserver, TheBestOfExpertsThatChoseHasTheLargestGate) {
  // Nobody took the third token.
  const std::vector<float> logits{0, kNone, 1, 2, 3, 4};
  const std::vector<float> alpha{1, 0, 0.25F, 0.75F, 0.5F, 0.5F};
  const std::vector<std::int32_t> chosen{0, -1, 0, 1, -1, -1};
  LayerObserver observer(0, 2, 1);
  observer.routed(
      {3, 2, 2, logits.data(), alpha.data(), chosen.data(), alpha.data(), infer::SlotOrder::kByExpert, {}});
  const LayerObservations& sums = observer.observations();
  EXPECT_EQ(sums.routed, (std::vector<double>{2, 1}));
  EXPECT_EQ(sums.top1, (std::vector<double>{1, 1}));
  EXPECT_EQ(sums.top1_gate_sum, (std::vector<double>{1, 0.75}));
  EXPECT_EQ(sums.logit_sum, (std::vector<double>{0 + 1 + 3, 0 + 2 + 4})) << "no logit counts as 0";
}

}  // namespace
}  // namespace espalier
