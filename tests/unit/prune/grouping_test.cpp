#include "prune/grouping.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "base/rng.h"

namespace espalier {
namespace {

constexpr double kRounding = 1e-9;

std::vector<double> random_similarity(Rng& rng, std::size_t E) {
  std::vector<double> s(E * E, 1.0);
  for (std::size_t i = 0; i < E; ++i)
    for (std::size_t j = i + 1; j < E; ++j) s[i * E + j] = s[j * E + i] = rng.uniform();
  return s;
}

/// The cheapest assignment of experts to group numbers, by counting in base `groups`.
double least_cost(const std::vector<double>& similarity, std::size_t E, std::size_t groups) {
  double best = 1e300;
  std::size_t codes = 1;
  for (std::size_t e = 0; e < E; ++e) codes *= groups;
  for (std::size_t code = 0; code < codes; ++code) {
    ExpertGroups made(groups);
    std::size_t rest = code;
    for (std::size_t e = 0; e < E; ++e, rest /= groups) made[rest % groups].push_back(static_cast<int>(e));
    if (std::any_of(made.begin(), made.end(), [](const auto& group) { return group.empty(); })) continue;
    best = std::min(best, grouping_cost(similarity, E, made));
  }
  return best;
}

TEST(GroupingByPartition, IsTheCheapestOfAllUpToEightExperts) {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    Rng rng(seed);
    const std::size_t E = 4 + rng.below(3);
    const auto similarity = random_similarity(rng, E);
    const std::vector<double> use(E, 1.0);
    for (std::size_t groups = 1; groups <= E; ++groups) {
      const auto made = find_grouping("partition").make({similarity, use, static_cast<int>(groups)});
      EXPECT_EQ(made.size(), groups);
      EXPECT_NEAR(grouping_cost(similarity, E, made), least_cost(similarity, E, groups), kRounding);
    }
  }
}

TEST(GroupingByPartition, BeyondEightIsNoWorseThanLinkage) {
  Rng rng(5);
  const std::size_t E = 24;
  const auto similarity = random_similarity(rng, E);
  const std::vector<double> use(E, 1.0);
  for (int groups = 1; groups <= 24; groups += 5) {
    const auto cost = [&](const char* grouping) {
      return grouping_cost(similarity, E, find_grouping(grouping).make({similarity, use, groups}));
    };
    EXPECT_LE(cost("partition"), cost("linkage") + kRounding);
  }
}

TEST(EveryGrouping, HasEachExpertOnceAndFindsPlantedGroups) {
  constexpr std::size_t E = 12;
  std::vector<double> similarity(E * E), use(E);
  Rng rng(9);
  for (std::size_t i = 0; i < E; ++i) {
    use[i] = i < 3 ? 100 : 1;  // one of each group is used most
    for (std::size_t j = 0; j <= i; ++j)
      similarity[i * E + j] = similarity[j * E + i] =
          i == j ? 1 : (i % 3 == j % 3 ? 0.9 : 0.1) + 0.05 * rng.uniform();
  }
  for (const Grouping& grouping : groupings()) {
    SCOPED_TRACE(grouping.name);
    EXPECT_EQ(grouping.make({similarity, use, 3}),
              (ExpertGroups{{0, 3, 6, 9}, {1, 4, 7, 10}, {2, 5, 8, 11}}));
    for (int groups = 1; groups <= static_cast<int>(E); ++groups) {
      std::vector<int> all;
      const auto made = grouping.make({similarity, use, groups});
      EXPECT_EQ(made.size(), static_cast<std::size_t>(groups));
      for (const auto& group : made) all.insert(all.end(), group.begin(), group.end());
      std::sort(all.begin(), all.end());
      std::vector<int> expected(E);
      std::iota(expected.begin(), expected.end(), 0);
      EXPECT_EQ(all, expected);
    }
  }
}

}  // namespace
}  // namespace espalier
