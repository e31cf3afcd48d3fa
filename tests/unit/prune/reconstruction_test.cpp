// Errors from products of outputs against layers computed by plain loops; searches against each other.
#include "prune/reconstruction.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "prune/least_squares.h"
#include "unit/base/user_error.h"
#include "unit/prune/token_samples.h"

namespace espalier {
namespace {

constexpr double kFloat = 1e-5;  // products and gates are kept in float32

/// A random layer: its outputs, its logits, and what an observer keeps of them.
struct SmallLayer {
  std::size_t E, N, D;
  RouterConfig router;
  reference::Outputs outputs;
  fixtures::Rows logits;
  LayerObservations observed;

  SmallLayer(std::uint64_t seed, std::size_t experts, std::int64_t k, bool normalise, std::size_t tokens = 30)
      : E(experts), N(tokens), D(4) {
    Rng rng(seed);
    router.experts_per_token = k;
    router.normalise = normalise;
    outputs = fixtures::random_outputs(rng, E, N, D);
    for (std::size_t n = 0; n < N; ++n) {
      logits.emplace_back();
      for (std::size_t e = 0; e < E; ++e) logits.back().push_back(static_cast<float>(rng.normal()));
    }
    observed = LayerObservations(0, E, D);
    observed.samples = fixtures::samples_of(outputs, logits, fixtures::gates_by(router, logits));
  }

  std::vector<double> output(std::size_t token, const std::vector<bool>& kept) const {
    const auto gates = fixtures::gates_of_token(router, logits[token], kept);
    std::vector<double> y(D, 0.0);
    for (std::size_t e = 0; e < E; ++e)
      for (std::size_t d = 0; d < D; ++d) y[d] += gates[e] * outputs[e][token][d];
    return y;
  }
  double error(const std::vector<bool>& kept) const {
    double gap = 0, all = 0;
    for (std::size_t n = 0; n < N; ++n) {
      const auto y = output(n, std::vector<bool>(E, true)), z = output(n, kept);
      for (std::size_t d = 0; d < D; ++d) {
        gap += (y[d] - z[d]) * (y[d] - z[d]);
        all += y[d] * y[d];
      }
    }
    return gap / all;
  }
};

TEST(ReconstructionErrors, AreThoseOfTheLayerComputedAnew) {
  for (const bool normalise : {true, false}) {
    const SmallLayer layer(2, 6, 2, normalise);
    const ReconstructionError error(layer.observed, layer.router);
    for (unsigned code = 1; code < 64; ++code) {
      std::vector<bool> kept(6);
      for (std::size_t e = 0; e < 6; ++e) kept[e] = ((code >> e) & 1U) != 0;
      EXPECT_NEAR(error.of(kept), layer.error(kept), kFloat) << code;
    }
  }
}

TEST(ReconstructionErrors, WithoutEachIsEachWithout) {
  for (const bool normalise : {true, false}) {
    const SmallLayer layer(4, 7, 2, normalise);
    const ReconstructionError error(layer.observed, layer.router);
    std::vector<bool> kept(7, true);
    kept[3] = false;
    const auto errors = error.without_each(kept);
    for (std::size_t e = 0; e < 7; ++e) {
      if (!kept[e]) continue;
      std::vector<bool> less = kept;
      less[e] = false;
      EXPECT_NEAR(errors[e], error.of(less), kFloat);
    }
    EXPECT_TRUE(std::isinf(errors[3]));
  }
}

TEST(SubsetSearches, ExhaustiveIsBestOfAllAndTheOthersAreNoBetter) {
  const SmallLayer layer(8, 8, 2, true);
  const ReconstructionError error(layer.observed, layer.router);
  const SubsetRule rule{1, 4, std::vector<bool>(8, true)};
  const FoundSubset best = find_subset_search("exhaustive").find(error, rule);
  EXPECT_EQ(best.tried, 70);
  double least = 1e300;
  for (unsigned code = 0; code < 256; ++code) {
    std::vector<bool> kept(8);
    for (std::size_t e = 0; e < 8; ++e) kept[e] = ((code >> e) & 1U) != 0;
    if (std::count(kept.begin(), kept.end(), true) == 4) least = std::min(least, layer.error(kept));
  }
  EXPECT_NEAR(best.error, least, kFloat);
  const double beam = find_subset_search("beam").find(error, rule).error;
  EXPECT_GE(beam, best.error);
  EXPECT_LE(beam, find_subset_search("greedy").find(error, rule).error);
  EXPECT_EQ(find_subset_search("automatic").find(error, rule).keep, best.keep);
}

TEST(SubsetSearches, GroupsKeepAsManyAndProtectedExpertsStay) {
  const SmallLayer layer(5, 8, 2, true);
  const ReconstructionError error(layer.observed, layer.router);
  SubsetRule rule{2, 2, std::vector<bool>(8, true)};
  rule.may_go[1] = rule.may_go[6] = false;
  for (const SubsetSearch& search : subset_searches()) {
    SCOPED_TRACE(search.name);
    const auto keep = search.find(error, rule).keep;
    ASSERT_EQ(keep.size(), 4u);
    EXPECT_EQ(std::count_if(keep.begin(), keep.end(), [](int e) { return e < 4; }), 2);
    for (const int stays : {1, 6}) EXPECT_TRUE(std::find(keep.begin(), keep.end(), stays) != keep.end());
  }
}

TEST(SubsetSearches, TooManySubsetsAreAnErrorOfExhaustive) {
  const SmallLayer layer(5, 24, 2, true, 3);
  const ReconstructionError error(layer.observed, layer.router);
  const SubsetRule rule{1, 12, std::vector<bool>(24, true)};
  fixtures::expect_user_error([&] { find_subset_search("exhaustive").find(error, rule); },
                              {"2704156 subsets", "--search beam"});
  EXPECT_EQ(find_subset_search("automatic").find(error, rule).keep.size(), 12u);
}

/// sum over tokens of || sum_i a_i f_i - sum_g A_g sum c_i f_i ||^2
double merge_error(const SmallLayer& layer, const ExpertGroups& groups,
                   const std::vector<std::vector<double>>& c) {
  double sum = 0;
  for (std::size_t n = 0; n < layer.N; ++n) {
    const auto a = fixtures::gates_of_token(layer.router, layer.logits[n]);
    std::vector<double> gap(layer.D, 0.0);
    for (std::size_t g = 0; g < groups.size(); ++g) {
      double gate = 0;
      for (const int i : groups[g]) gate += a[static_cast<std::size_t>(i)];
      for (std::size_t m = 0; m < groups[g].size(); ++m) {
        const auto i = static_cast<std::size_t>(groups[g][m]);
        for (std::size_t d = 0; d < layer.D; ++d) gap[d] += (a[i] - gate * c[g][m]) * layer.outputs[i][n][d];
      }
    }
    sum += reference::dot(gap, gap);
  }
  return sum;
}

TEST(LeastSquares, NoWeightCanBeChangedForTheBetter) {
  const SmallLayer layer(6, 6, 2, true, 60);
  const ExpertGroups groups{{0, 2, 5}, {1, 3}, {4}};
  auto weights = least_squares_weights(*layer.observed.samples, 6, groups);
  ASSERT_EQ(weights[0].size(), 3u);
  EXPECT_TRUE(weights[2].empty()) << "a group of one stays as it is";
  weights[2] = {1.0};
  const double least = merge_error(layer, groups, weights);
  for (std::size_t g = 0; g < 2; ++g) {
    for (double& weight : weights[g]) {
      for (const double step : {0.01, -0.01}) {
        weight += step;
        EXPECT_GT(merge_error(layer, groups, weights), least);
        weight -= step;
      }
    }
  }
}

TEST(LeastSquares, ExpertsThatAreTheSameAreRankDeficient) {
  SmallLayer layer(6, 4, 2, true, 20);
  layer.outputs[1] = layer.outputs[0];
  const auto samples =
      fixtures::samples_of(layer.outputs, layer.logits, fixtures::gates_by(layer.router, layer.logits));
  const auto weights = least_squares_weights(samples, 4, {{0, 1}, {2, 3}});
  EXPECT_TRUE(weights[0].empty());
  EXPECT_EQ(weights[1].size(), 2u);
}

}  // namespace
}  // namespace espalier
