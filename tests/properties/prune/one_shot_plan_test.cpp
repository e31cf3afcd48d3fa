// Laws of plans made in one step, on random scores.
#include "prune/one_shot_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "base/rng.h"
#include "prune/criteria/criterion.h"
#include "small_observations.h"

namespace espalier {
namespace {

constexpr int kTrials = 200;

struct Trial {
  Scores scores;
  OneShotRule rule;
};

/// Distinct scores, 1 to 4 layers of one size, sometimes with groups, never an impossible rule.
Trial random_trial(Rng& rng) {
  Trial trial;
  const int groups = rng.below(3) == 0 ? 2 : 1;
  const int size = 2 + static_cast<int>(rng.below(6));
  const std::size_t experts = static_cast<std::size_t>(groups * size);
  trial.scores.criterion = "reap";
  trial.scores.experts_per_token = 1;
  trial.scores.router_groups = trial.scores.router_top_groups = groups;
  for (int layer = 0; layer <= static_cast<int>(rng.below(4)); ++layer) {
    LayerScores& scores = trial.scores.layers.emplace_back();
    scores.layer = layer;
    for (std::size_t i = 0; i < experts; ++i) {
      scores.scores.push_back(rng.uniform() + 0.01);
      scores.tokens.push_back(1);
      scores.original.push_back(static_cast<int>(i));
    }
  }
  trial.rule.keep =
      KeepCount{groups * (1 + static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(size))))};
  trial.rule.budget = rng.below(2) == 0 ? PlanBudget::kPerLayer : PlanBudget::kGlobal;
  return trial;
}

/// A permutation of the experts that leaves each in its group.
std::vector<std::size_t> random_order(Rng& rng, std::size_t experts, std::size_t groups) {
  std::vector<std::size_t> order(experts);
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto size = static_cast<std::ptrdiff_t>(experts / groups);
  for (std::ptrdiff_t begin = 0; begin < static_cast<std::ptrdiff_t>(experts); begin += size) {
    std::shuffle(order.begin() + begin, order.begin() + begin + size, rng);
  }
  return order;
}

TEST(OneShotPlanLaws, PermutingExpertsPermutesThePlan) {
  Rng rng(1);
  for (int trial_index = 0; trial_index < kTrials; ++trial_index) {
    const Trial trial = random_trial(rng);
    const Plan plan = one_shot_plan(trial.scores, trial.rule, 0);
    Scores permuted = trial.scores;
    std::vector<std::vector<std::size_t>> orders;
    for (LayerScores& layer : permuted.layers) {
      orders.push_back(
          random_order(rng, layer.scores.size(), static_cast<std::size_t>(trial.scores.router_groups)));
      const std::vector<double> before = layer.scores;
      for (std::size_t i = 0; i < before.size(); ++i) layer.scores[i] = before[orders.back()[i]];
    }
    const Plan other = one_shot_plan(permuted, trial.rule, 0);
    for (std::size_t l = 0; l < plan.layers.size(); ++l) {
      std::vector<int> survivors;
      for (const int expert : other.layers[l].keep) {
        survivors.push_back(static_cast<int>(orders[l][static_cast<std::size_t>(expert)]));
      }
      std::sort(survivors.begin(), survivors.end());
      ASSERT_EQ(survivors, plan.layers[l].keep);
    }
  }
}

TEST(OneShotPlanLaws, CountsAreMetAndGroupsLoseEqually) {
  Rng rng(2);
  for (int trial_index = 0; trial_index < kTrials; ++trial_index) {
    const Trial trial = random_trial(rng);
    const auto count = std::get<KeepCount>(trial.rule.keep).count;
    const Plan plan = one_shot_plan(trial.scores, trial.rule, 0);
    std::int64_t kept = 0;
    for (const LayerPlan& layer : plan.layers) {
      kept += static_cast<std::int64_t>(layer.keep.size());
      if (trial.rule.budget == PlanBudget::kPerLayer) {
        ASSERT_EQ(static_cast<std::int64_t>(layer.keep.size()), count);
      }
      std::vector<int> in_group(static_cast<std::size_t>(trial.scores.router_groups), 0);
      const int size = layer.num_experts_before / trial.scores.router_groups;
      for (const int expert : layer.keep) ++in_group[static_cast<std::size_t>(expert / size)];
      ASSERT_EQ(std::set<int>(in_group.begin(), in_group.end()).size(), 1u);
      ASSERT_EQ(layer.keep.size() + layer.reason.size(), static_cast<std::size_t>(layer.num_experts_before));
    }
    ASSERT_EQ(kept, count * static_cast<std::int64_t>(plan.layers.size()));
  }
}

TEST(OneShotPlanLaws, NobodyWhoGoesIsBetterThanWhoStays) {
  Rng rng(3);
  for (int trial_index = 0; trial_index < kTrials; ++trial_index) {
    Trial trial = random_trial(rng);
    trial.rule.groups = RouterGroupRule::kIgnore;
    trial.rule.budget = PlanBudget::kPerLayer;
    const Plan plan = one_shot_plan(trial.scores, trial.rule, 0);
    for (std::size_t l = 0; l < plan.layers.size(); ++l) {
      const std::vector<double>& scores = trial.scores.layers[l].scores;
      double worst_kept = INFINITY, best_dropped = -INFINITY;
      for (std::size_t i = 0; i < scores.size(); ++i) {
        const bool kept =
            std::binary_search(plan.layers[l].keep.begin(), plan.layers[l].keep.end(), static_cast<int>(i));
        if (kept) worst_kept = std::min(worst_kept, scores[i]);
        if (!kept) best_dropped = std::max(best_dropped, scores[i]);
      }
      ASSERT_GT(worst_kept, best_dropped);
    }
  }
}

/// The layer with its experts in another order.
LayerObservations permuted(const LayerObservations& layer, const std::vector<std::size_t>& order) {
  LayerObservations result = layer;
  for (const auto field : {&LayerObservations::routed, &LayerObservations::top1, &LayerObservations::gate_sum,
                           &LayerObservations::top1_gate_sum, &LayerObservations::score_sum,
                           &LayerObservations::norm_sum, &LayerObservations::weighted_norm_sum}) {
    for (std::size_t i = 0; i < order.size(); ++i) (result.*field)[i] = (layer.*field)[order[i]];
  }
  return result;
}

TEST(CriteriaLaws, PermutingExpertsPermutesScores) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Rng rng(seed);
    const LayerObservations layer = fixtures::small_observations(seed, 30).layers[0];
    const std::vector<std::size_t> order = random_order(rng, layer.experts(), 1);
    for (const Criterion& criterion : criteria()) {
      if (criterion.observed == nullptr) continue;
      const std::vector<double> scores = criterion.observed(layer);
      const std::vector<double> other = criterion.observed(permuted(layer, order));
      for (std::size_t i = 0; i < order.size(); ++i) EXPECT_EQ(other[i], scores[order[i]]) << criterion.name;
    }
  }
}

}  // namespace
}  // namespace espalier
