#include <limits>

#include "unit/kernels/simd/variants.h"

namespace espalier::simd {
namespace {

using RouterTest = SimdTest;

struct RouterShape {
  std::int64_t n, experts, k;
};
const std::vector<RouterShape> kRouterShapes = {{0, 8, 1},  {1, 1, 1},    {5, 2, 2},    {33, 7, 3},
                                                {70, 8, 1}, {12, 160, 2}, {40, 512, 8}, {4000, 16, 2}};

struct Routed {
  Floats probabilities, gates;
  Indices chosen;
};

Routed route(const Kernels& simd, const Floats& logits, const RouterShape& s) {
  Routed out{
      .probabilities = Floats(s.n * s.experts), .gates = Floats(s.n * s.k), .chosen = Indices(s.n * s.k)};
  simd.router_forward({.logits = logits.data(),
                       .probabilities = out.probabilities.data(),
                       .chosen = out.chosen.data(),
                       .gates = out.gates.data(),
                       .n = s.n,
                       .experts = s.experts,
                       .k = s.k});
  return out;
}

TEST_P(RouterTest, ForwardMatchesTheReference) {
  for (const RouterShape& s : kRouterShapes) {
    SCOPED_TRACE(testing::Message() << s.n << " x " << s.experts << " top " << s.k);
    const Floats logits = random_floats(s.n * s.experts, 1);
    const Routed got = route(simd(), logits, s);
    expect_close(got.probabilities, reference::softmax(widen(logits), s.experts), 5e-7, "probabilities");
    EXPECT_EQ(got.chosen, reference::largest_of_rows(got.probabilities, s.experts, s.k));
    for (std::int64_t a = 0; a < s.n * s.k; ++a) {
      EXPECT_EQ(got.gates[a], got.probabilities[a / s.k * s.experts + got.chosen[a]]);
    }
  }
}

TEST_P(RouterTest, TiesKeepTheSmallerIndex) {
  Floats logits(37, 0.5F);
  EXPECT_EQ(route(simd(), logits, {1, 37, 3}).chosen, (Indices{0, 1, 2}));
  logits[9] = logits[20] = logits[36] = 2.0F;
  EXPECT_EQ(route(simd(), logits, {1, 37, 4}).chosen, (Indices{9, 20, 36, 0}));
}

TEST_P(RouterTest, NanLogitsStillChooseExistingExperts) {
  const Floats logits(19, std::numeric_limits<float>::quiet_NaN());
  const Routed got = route(simd(), logits, {1, 19, 2});
  EXPECT_EQ(got.chosen, (Indices{0, 1}));
  EXPECT_TRUE(std::isnan(got.gates[0]));
}

TEST_P(RouterTest, BackwardMatchesTheReference) {
  for (const RouterShape& s : kRouterShapes) {
    const Routed at = route(simd(), random_floats(s.n * s.experts, 1), s);
    const Floats dgates = random_floats(s.n * s.k, 2);
    const Floats dprobabilities = random_floats(s.n * s.experts, 3);
    Floats alone(s.n * s.experts, 4.0F);
    Floats both = dprobabilities;
    RouterBackward op{.probabilities = at.probabilities.data(),
                      .chosen = at.chosen.data(),
                      .dgates = dgates.data(),
                      .dlogits = alone.data(),
                      .n = s.n,
                      .experts = s.experts,
                      .k = s.k};
    simd().router_backward(op);
    op.dprobabilities = op.dlogits = both.data();
    simd().router_backward(op);
    reference::Values of_gates(s.n * s.experts, 0.0);
    for (std::int64_t a = 0; a < s.n * s.k; ++a) of_gates[a / s.k * s.experts + at.chosen[a]] += dgates[a];
    reference::Values of_both = of_gates;
    for (std::size_t i = 0; i < of_both.size(); ++i) of_both[i] += dprobabilities[i];
    const reference::Values p = widen(at.probabilities);
    expect_close(alone, reference::softmax_backward(p, of_gates, s.experts), 1e-6, "from gates");
    expect_close(both, reference::softmax_backward(p, of_both, s.experts), 1e-6, "from both");
  }
}

struct Sorted {
  Indices offsets, row_token, row_of;
};

Sorted sort(const Kernels& simd, const Indices& chosen, std::int64_t k, std::int64_t experts) {
  Sorted out{.offsets = Indices(experts + 1, -7),
             .row_token = Indices(chosen.size(), -7),
             .row_of = Indices(chosen.size(), -7)};
  simd.sort_by_expert({.chosen = chosen.data(),
                       .offsets = out.offsets.data(),
                       .row_token = out.row_token.data(),
                       .row_of = out.row_of.data(),
                       .n = static_cast<std::int64_t>(chosen.size()) / k,
                       .k = k,
                       .experts = experts});
  return out;
}

TEST_P(RouterTest, SortGroupsByExpertInTokenOrder) {
  const Sorted got = sort(simd(), {2, 0, 1, 2, -1, 0, 2, 0}, 2, 4);
  EXPECT_EQ(got.offsets, (Indices{0, 3, 4, 7, 7}));
  EXPECT_EQ(got.row_token, (Indices{0, 2, 3, 1, 0, 1, 3, -7}));
  EXPECT_EQ(got.row_of, (Indices{4, 0, 3, 5, -1, 1, 6, 2}));
  EXPECT_EQ(sort(simd(), {}, 1, 3).offsets, (Indices{0, 0, 0, 0}));
}

/// Some assignments of n tokens, a few of them dropped.
Indices some_assignments(std::int64_t n, std::int64_t k, std::int64_t experts) {
  Indices chosen(n * k);
  for (std::int64_t a = 0; a < n * k; ++a) {
    chosen[a] = static_cast<std::int32_t>(a % 11 == 3 || a < k ? -1 : (a * a + 3 * a) % experts);
  }
  return chosen;
}

TEST_P(RouterTest, GatherAndCombineMatchTheReference) {
  for (const auto& [n, d] : kShapes) {
    const std::int64_t k = 2;
    const Sorted at = sort(simd(), some_assignments(n, k, 5), k, 5);
    const std::int64_t rows = at.offsets.back();
    const Floats x = random_floats(n * d, 1);
    const Floats gates = random_floats(n * k, 2);
    Floats ys(rows * d);
    simd().gather_rows(x.data(), at.row_token.data(), rows, d, ys.data());
    for (std::int64_t i = 0; i < rows * d; ++i) ASSERT_EQ(ys[i], x[at.row_token[i / d] * d + i % d]);

    ys = random_floats(rows * d, 3);
    Floats y(n * d, 5.0F);
    Floats plain(n * d, 5.0F);
    Combine op{.ys = ys.data(),
               .row_of = at.row_of.data(),
               .gates = gates.data(),
               .y = y.data(),
               .n = n,
               .k = k,
               .d = d};
    simd().combine(op);
    op.gates = nullptr;
    op.y = plain.data();
    simd().combine(op);
    reference::Values want(n * d, 0.0);
    reference::Values want_plain(n * d, 0.0);
    for (std::int64_t a = 0; a < n * k; ++a) {
      for (std::int64_t j = 0; j < d && at.row_of[a] >= 0; ++j) {
        want[a / k * d + j] += double{gates[a]} * ys[at.row_of[a] * d + j];
        want_plain[a / k * d + j] += ys[at.row_of[a] * d + j];
      }
    }
    expect_close(y, want, 5e-7, "y");
    expect_close(plain, want_plain, 5e-7, "y without gates");
  }
}

TEST_P(RouterTest, CombineBackwardMatchesTheReference) {
  for (const auto& [n, d] : kShapes) {
    const std::int64_t k = 3;
    const Sorted at = sort(simd(), some_assignments(n, k, 4), k, 4);
    const std::int64_t rows = at.offsets.back();
    const Floats dy = random_floats(n * d, 1);
    const Floats ys = random_floats(rows * d, 2);
    const Floats gates = random_floats(n * k, 3);
    Floats dys = ys;
    Floats dgates(n * k, 5.0F);
    simd().combine_backward({.dy = dy.data(),
                             .ys = dys.data(),
                             .row_of = at.row_of.data(),
                             .gates = gates.data(),
                             .dys = dys.data(),
                             .dgates = dgates.data(),
                             .n = n,
                             .k = k,
                             .d = d});
    reference::Values want(rows * d);
    reference::Values want_gates(n * k, 0.0);
    for (std::int64_t a = 0; a < n * k; ++a) {
      for (std::int64_t j = 0; j < d && at.row_of[a] >= 0; ++j) {
        want[at.row_of[a] * d + j] = double{gates[a]} * dy[a / k * d + j];
        want_gates[a] += double{dy[a / k * d + j]} * ys[at.row_of[a] * d + j];
      }
    }
    expect_close(dys, want, 5e-7, "dys");
    expect_close(dgates, want_gates, kTolerance, "dgates");
  }
}

ESPALIER_FOR_EVERY_VARIANT(RouterTest);

}  // namespace
}  // namespace espalier::simd
