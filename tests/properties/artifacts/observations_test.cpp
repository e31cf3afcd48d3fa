// Laws of observations: they add up.
#include "artifacts/observations.h"

#include <gtest/gtest.h>

#include <numeric>

#include "artifacts/observation_fields.h"
#include "small_observations.h"

namespace espalier {
namespace {

using fixtures::empty_observations;
using fixtures::observe;
using fixtures::random_tokens;
using fixtures::small_observations;

void expect_equal(const Observations& a, const Observations& b) {
  ASSERT_EQ(a.layers.size(), b.layers.size());
  for (std::size_t i = 0; i < a.layers.size(); ++i) {
    EXPECT_EQ(a.layers[i].tokens, b.layers[i].tokens);
    EXPECT_NEAR(a.layers[i].entropy_sum, b.layers[i].entropy_sum, 1e-9);  // log 4 is not a binary fraction
    for (const ObservationField& field : observation_fields()) {
      EXPECT_EQ(a.layers[i].*field.values, b.layers[i].*field.values) << field.name;
    }
  }
}

TEST(ObservationsLaws, ObservingAThenBIsTheMergeOfBoth) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Rng rng(seed);
    const auto a = random_tokens(rng, 1 + rng.below(40)), b = random_tokens(rng, 1 + rng.below(40));
    Observations only_a = empty_observations(), only_b = empty_observations(), both = empty_observations();
    observe(only_a, a);
    observe(only_b, b);
    observe(both, a);
    observe(both, b);
    expect_equal(merge(std::vector{only_a, only_b}, std::vector{1.0, 1.0}), both);
    expect_equal(merge(std::vector{only_b, only_a}, std::vector{1.0, 1.0}), both);
  }
}

TEST(ObservationsLaws, AWeightOfTwoIsSeeingTheDataTwice) {
  const Observations a = small_observations(1), b = small_observations(2);
  expect_equal(merge(std::vector{a, b}, std::vector{2.0, 1.0}),
               merge(std::vector{a, b, a}, std::vector{1.0, 1.0, 1.0}));
}

TEST(ObservationsLaws, WeightsOfAMergeOfMergesMultiply) {
  const Observations a = small_observations(1), b = small_observations(2);
  const Observations once = merge(std::vector{a, b}, std::vector{4.0, 2.0});
  const Observations twice =
      merge(std::vector{merge(std::vector{a, b}, std::vector{2.0, 1.0})}, std::vector{2.0});
  expect_equal(once, twice);
  ASSERT_EQ(twice.data.size(), 2u);
  EXPECT_EQ(twice.data[0].weight, 4.0);
  EXPECT_EQ(twice.data[1].weight, 2.0);
}

TEST(ObservationsLaws, RoutedPairsAreTokensTimesK) {
  const Observations merged =
      merge(std::vector{small_observations(3), small_observations(4)}, std::vector{0.5, 2.0});
  for (const LayerObservations& layer : merged.layers) {
    const double pairs = std::accumulate(layer.routed.begin(), layer.routed.end(), 0.0);
    EXPECT_EQ(pairs, layer.tokens * merged.experts_per_token);
    for (std::size_t i = 0; i < layer.experts(); ++i) {
      EXPECT_EQ(layer.together[i * layer.experts() + i], layer.routed[i]);
    }
  }
}

}  // namespace
}  // namespace espalier
