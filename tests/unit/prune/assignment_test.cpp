#include "prune/assignment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "base/rng.h"

namespace espalier {
namespace {

double value_of(const std::vector<float>& likeness, const std::vector<int>& order) {
  double sum = 0;
  for (std::size_t i = 0; i < order.size(); ++i)
    sum += static_cast<double>(likeness[i * order.size() + static_cast<std::size_t>(order[i])]);
  return sum;
}

TEST(Assignment, IsTheBestOfAllPermutations) {
  Rng rng(7);
  for (std::size_t n = 0; n <= 6; ++n) {
    for (int repeat = 0; repeat < 20; ++repeat) {
      std::vector<float> likeness(n * n);
      for (float& value : likeness)  // small whole numbers: many ties, exact sums
        value = static_cast<float>(static_cast<int>(rng.below(9)) - 4);
      std::vector<int> order(n);
      std::iota(order.begin(), order.end(), 0);
      double best = value_of(likeness, order);
      while (std::next_permutation(order.begin(), order.end()))
        best = std::max(best, value_of(likeness, order));
      const std::vector<int> found = best_assignment(likeness, n);
      EXPECT_EQ(std::set<int>(found.begin(), found.end()).size(), n);
      EXPECT_EQ(value_of(likeness, found), best);
    }
  }
}

TEST(Assignment, FindsAPermutationBack) {
  constexpr std::size_t n = 200;
  Rng rng(1);
  std::vector<int> order(n);
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t i = n; i > 1; --i) std::swap(order[i - 1], order[rng.below(i)]);
  std::vector<float> likeness(n * n);
  for (float& value : likeness) value = static_cast<float>(0.2 * rng.normal());
  for (std::size_t i = 0; i < n; ++i) likeness[i * n + static_cast<std::size_t>(order[i])] += 5;
  EXPECT_EQ(best_assignment(likeness, n), order);
}

}  // namespace
}  // namespace espalier
