// Laws of pruning in training, on random runs.
#include "prune/window_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/rng.h"
#include "prune/window_scores.h"

namespace espalier {
namespace {

constexpr int kTrials = 300;

std::int64_t between(Rng& rng, std::int64_t least, std::int64_t most) {
  return least + static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(most - least + 1)));
}

/// A rule that has windows; gamma is a number of tenths from 0.1 to 1.
WindowRule random_rule(Rng& rng) {
  WindowRule rule;
  rule.schedule = rng.below(3) == 0 ? PruneSchedule::kStaged : PruneSchedule::kEager;
  if (rule.schedule == PruneSchedule::kEager) rule.force_drop = static_cast<ForceDrop>(rng.below(3));
  rule.beta = rng.uniform() * 1.2;
  rule.gamma = static_cast<double>(between(rng, 1, 10)) / 10;
  rule.experts = between(rng, 2, 24);
  rule.steps = between(rng, 10 * rule.experts, 5000);
  return rule;
}

/// [count] shares that sum to 1, some tiny; different from each other.
std::vector<double> random_scores(Rng& rng, std::size_t count) {
  std::vector<double> scores(count);
  for (double& score : scores) score = std::pow(rng.uniform(), 4) + 1e-9;
  const double total = std::accumulate(scores.begin(), scores.end(), 0.0);
  for (double& score : scores) score /= total;
  return scores;
}

Scores one_layer(std::vector<double> values, std::vector<int> original) {
  Scores scores;
  scores.criterion = "alpha";
  scores.experts_per_token = 1;
  const std::vector<std::int64_t> tokens(values.size(), 1);
  scores.layers = {{0, std::move(values), tokens, std::move(original)}};
  return scores;
}

std::vector<int> numbers(std::size_t count) {
  std::vector<int> result(count);
  std::iota(result.begin(), result.end(), 0);
  return result;
}

TEST(WindowPlanLaws, PermutingExpertsPermutesTheDecision) {
  Rng rng(1);
  for (int trial = 0; trial < kTrials; ++trial) {
    const WindowRule rule = random_rule(rng);
    const auto ends = window_ends(rule);
    const WindowEnd& end = ends[rng.below(ends.size())];
    const auto experts = static_cast<std::size_t>(rule.experts);
    const std::vector<double> scores = random_scores(rng, experts);
    std::vector<int> order = numbers(experts);
    std::shuffle(order.begin(), order.end(), rng);
    std::vector<double> shuffled;
    for (const int expert : order) shuffled.push_back(scores[static_cast<std::size_t>(expert)]);

    const Plan plan = window_plan(one_layer(scores, numbers(experts)), rule, end, 0);
    const Plan other = window_plan(one_layer(shuffled, order), rule, end, 0);
    std::vector<int> survivors = surviving_originals(other.layers[0]);
    std::sort(survivors.begin(), survivors.end());
    EXPECT_EQ(survivors, plan.layers[0].keep);
  }
}

TEST(WindowPlanLaws, SurvivorsOnlyBecomeFewerAndNeverNone) {
  Rng rng(2);
  for (int trial = 0; trial < kTrials; ++trial) {
    const WindowRule rule = random_rule(rng);
    std::vector<int> living = numbers(static_cast<std::size_t>(rule.experts));
    for (const WindowEnd& end : window_ends(rule)) {
      const Plan plan = window_plan(one_layer(random_scores(rng, living.size()), living), rule, end, 0);
      const std::vector<int> survivors = surviving_originals(plan.layers[0]);
      ASSERT_GE(survivors.size(), 1u);
      ASSERT_TRUE(std::includes(living.begin(), living.end(), survivors.begin(), survivors.end()));
      if (rule.schedule == PruneSchedule::kStaged) {
        ASSERT_EQ(survivors.size(), living.size() - 1);
      }
      if (end.forced) {
        ASSERT_EQ(survivors.size(), 1u);
      }
      living = survivors;
    }
    if (rule.force_drop != ForceDrop::kNever) {
      EXPECT_EQ(living.size(), 1u);
    }
  }
}

TEST(WindowLaws, WindowsCoverTheStepsWithoutGapsAndOverlaps) {
  Rng rng(3);
  for (int trial = 0; trial < kTrials; ++trial) {
    const WindowRule rule = random_rule(rng);
    std::int64_t covered = 0, index = 0;
    for (const WindowEnd& end : window_ends(rule)) {
      ASSERT_EQ(end.index, ++index);
      ASSERT_EQ(end.first_step, covered + 1);
      ASSERT_GE(end.last_step, end.first_step);
      covered = end.last_step;
    }
    ASSERT_GT(index, 0);
    EXPECT_LE(covered, rule.steps);
  }
}

TEST(WindowLaws, EndsAreExactInWholeNumbers) {
  Rng rng(4);
  for (int trial = 0; trial < kTrials; ++trial) {
    WindowRule rule = random_rule(rng);
    const std::int64_t tenths = between(rng, 1, 10);
    rule.gamma = static_cast<double>(tenths) / 10;
    for (const WindowEnd& end : window_ends(rule)) {
      if (end.forced && rule.force_drop == ForceDrop::kHalf) continue;
      ASSERT_EQ(end.last_step, end.index * tenths * rule.steps / (10 * rule.experts))
          << rule.steps << " steps, " << rule.experts << " experts, gamma " << rule.gamma;
    }
  }
}

TEST(WindowLaws, TheForceDropAtHalfIsAtHalfWhateverGamma) {
  for (const double gamma : {0.2, 0.4, 0.6, 0.8, 1.0}) {
    for (std::int64_t steps = 40; steps < 140; ++steps) {
      const WindowRule rule{.gamma = gamma, .force_drop = ForceDrop::kHalf, .steps = steps, .experts = 8};
      const auto ends = window_ends(rule);
      ASSERT_TRUE(ends.back().forced);
      ASSERT_EQ(ends.back().last_step, steps / 2) << gamma << " " << steps;
    }
  }
}

/// The sums of a few steps over a layer; exact, whatever the order in which they are added.
LayerWindow random_window(Rng& rng, std::size_t experts) {
  LayerWindow window{numbers(experts), LayerObservations(0, experts, 0), {}};
  for (std::size_t i = 0; i < experts; ++i) {
    window.sums.routed[i] = static_cast<double>(between(rng, 0, 100));
    window.sums.tokens += window.sums.routed[i];
    for (auto* sums : {&window.sums.score_sum, &window.sums.gate_sum, &window.sums.norm_sum,
                       &window.sums.weighted_norm_sum})
      (*sums)[i] = static_cast<double>(rng.below(1 << 20)) / (1 << 20);
  }
  window.sums.tokens += 1;
  return window;
}

TEST(WindowScoreLaws, TheOrderAndGroupingOfPartsDoNotMatter) {
  Rng rng(5);
  constexpr WindowEnd kEnd{1, 1, 8, false};
  for (int trial = 0; trial < kTrials; ++trial) {
    const std::size_t experts = 1 + rng.below(9);
    LayerWindow whole{numbers(experts), LayerObservations(0, experts, 0), {}}, first = whole, second = whole;
    for (int step = 0; step < 8; ++step) {
      const LayerWindow part = random_window(rng, experts);
      whole.sums.add(part.sums);
      (rng.below(2) == 0 ? first : second).sums.add(part.sums);
    }
    second.sums.add(first.sums);
    for (const Criterion& criterion : criteria()) {
      if (criterion.observed == nullptr) continue;
      const Scores scores = window_scores({&whole, 1}, criterion, kEnd, 1, 0);
      ASSERT_EQ(window_scores({&second, 1}, criterion, kEnd, 1, 0).layers[0].scores, scores.layers[0].scores);
      if (criterion.scale != ScoreScale::kPositive) continue;
      const auto& shares = scores.layers[0].scores;
      const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
      EXPECT_TRUE(sum == 0.0 || std::abs(sum - 1.0) < 1e-12) << criterion.name << ' ' << sum;  // rounding
    }
  }
}

}  // namespace
}  // namespace espalier
