// The experts' grouped feed-forward networks against one token at a time, on both backends.
#include "reference/experts.h"
#include "unit/train/ops/backends.h"

namespace espalier {
namespace {

struct Case {
  const char* what;
  std::int64_t N, K, E, D, F;
  Indices chosen;  // [N, K]
};

Indices spread(std::int64_t N, std::int64_t K, std::int64_t E) {
  Indices chosen;
  for (std::int64_t n = 0; n < N; ++n)
    for (std::int64_t k = 0; k < K; ++k) chosen.push_back(static_cast<std::int32_t>((n * 5 + n / 3 + k) % E));
  return chosen;
}

std::vector<Case> cases() {
  return {{"no tokens at all", 0, 1, 3, 5, 7, {}},
          {"one token", 1, 1, 3, 5, 7, {2}},
          {"an expert with one token, one with none", 4, 1, 4, 5, 7, {0, 0, 3, 0}},
          {"a token without an expert", 5, 1, 2, 6, 4, {0, -1, 1, 1, -1}},
          {"nobody has an expert", 3, 1, 2, 6, 4, {-1, -1, -1}},
          {"two experts a token", 9, 2, 4, 7, 11, spread(9, 2, 4)},
          {"two experts, a slot dropped", 4, 2, 3, 5, 6, {0, 1, 2, -1, -1, 0, 1, 2}},
          {"as many choices as experts", 3, 3, 3, 4, 5, {0, 1, 2, 2, 0, 1, 1, 2, 0}},
          {"one expert", 6, 1, 1, 3, 9, {0, 0, 0, 0, 0, 0}},
          {"widths of a memory page", 21, 1, 3, 256, 512, spread(21, 1, 3)},
          {"odd widths", 40, 2, 5, 33, 65, spread(40, 2, 5)}};
}

ESPALIER_ON_BACKENDS(ExpertsOp);

void expect_one_token_at_a_time(const Case& a_case, Backend backend) {
  const auto& [what, N, K, E, D, F, chosen] = a_case;
  SCOPED_TRACE(what);
  const auto x = random_values(N * D, 1), dy = random_values(N * D, 2), gates = random_values(N * K, 3);
  const reference::Experts w{random_values(E * F * D, 4, 0.3), random_values(E * F, 5),
                             random_values(E * D * F, 6, 0.3), random_values(E * D, 7),
                             static_cast<std::size_t>(E),      static_cast<std::size_t>(D),
                             static_cast<std::size_t>(F)};
  const auto tx = leaf(x, {N, D}, backend), tg = leaf(gates, {N, K}, backend);
  const FeedForwardWeights t{leaf(w.up, {E, F, D}, backend), leaf(w.up_bias, {E, F}, backend),
                             leaf(w.down, {E, D, F}, backend), leaf(w.down_bias, {E, D}, backend)};
  const auto tc = torch::tensor(chosen, torch::kInt32).view({N, K});
  const auto y = ops(backend).experts(tx, tg, tc, t, {});
  const auto slots = static_cast<std::size_t>(K);
  expect_close(y, reference::experts(x, gates, chosen, slots, w), tolerance(backend), "y");
  y.backward(leaf(dy, {N, D}, backend).detach());
  const auto expected = reference::experts_backward(dy, x, gates, chosen, slots, w);
  expect_close(tx.grad(), expected.dx, tolerance(backend), "dx");
  expect_close(tg.grad(), expected.dgates, tolerance(backend), "dgates");
  expect_close(t.up.grad(), expected.dup, tolerance(backend), "dup");
  expect_close(t.up_bias.grad(), expected.dup_bias, tolerance(backend), "dup_bias");
  expect_close(t.down.grad(), expected.ddown, tolerance(backend), "ddown");
  expect_close(t.down_bias.grad(), expected.ddown_bias, tolerance(backend), "ddown_bias");
}

TEST_P(ExpertsOp, MatchesOneTokenAtATime) {
  for (const auto& a_case : cases()) expect_one_token_at_a_time(a_case, GetParam());
}

// 900 rows on 4 threads: the first expert's go to three of them, the last but one has none.
TEST_P(ExpertsOp, MatchesOneTokenAtATimeWhereThreadsShareTheRows) {
  const Threads four(4);
  Indices chosen(900, 0);
  for (std::size_t n = 0; n < chosen.size(); n += 4) chosen[n] = n % 8 == 0 ? 1 : 3;
  expect_one_token_at_a_time({"shared", 900, 1, 4, 48, 64, chosen}, GetParam());
}

/// Gradients of a sum that one side alone asks for.
std::vector<torch::Tensor> gradients(Backend backend, bool of_x, bool of_weights, FeedForwardKind kind) {
  const std::int64_t N = 12, E = 3, D = 6, F = 8, rows = kind == FeedForwardKind::kGatedSilu ? 2 * F : F;
  const auto tensor = [&](at::IntArrayRef shape, std::uint64_t seed, bool learns) {
    return leaf(random_values(c10::multiply_integers(shape), seed), shape, backend).set_requires_grad(learns);
  };
  const auto x = tensor({N, D}, 1, of_x), gates = tensor({N, 1}, 2, true);
  FeedForwardWeights w{tensor({E, rows, D}, 3, of_weights), {}, tensor({E, D, F}, 4, of_weights), {}, kind};
  if (kind == FeedForwardKind::kGelu) {
    w.up_bias = tensor({E, F}, 5, of_weights);
    w.down_bias = tensor({E, D}, 6, of_weights);
  }
  const auto chosen = torch::tensor(spread(N, 1, E), torch::kInt32).view({N, 1});
  const auto y = ops(backend).experts(x, gates, chosen, w, {});
  auto dense = w.expert(1);
  const auto z = ops(backend).feed_forward(x, dense);
  (y + z).sum().backward();
  return {x.grad(), gates.grad(), w.up.grad(), w.down.grad(),
          w.up_bias.defined() ? w.up_bias.grad() : w.up.grad()};
}

// What is frozen gets no gradient, and the others' are what they are without that.
TEST_P(ExpertsOp, ComputesGradientsOfWhatIsTrainedAlone) {
  for (const auto kind : {FeedForwardKind::kGelu, FeedForwardKind::kGatedSilu}) {
    const auto all = gradients(GetParam(), true, true, kind);
    for (const auto& [of_x, of_weights] : {std::pair{true, false}, {false, true}}) {
      const auto some = gradients(GetParam(), of_x, of_weights, kind);
      for (std::size_t i = 0; i < all.size(); ++i) {
        const bool asked = i == 1 || (i == 0 ? of_x : of_weights);
        ASSERT_EQ(some[i].defined(), asked) << i;
        if (asked) {
          EXPECT_TRUE(torch::equal(some[i], all[i])) << i;
        }
      }
    }
  }
}

}  // namespace
}  // namespace espalier
