// Embedding sums and the cross-entropy against plain loops, on both backends.
#include "reference/layers.h"
#include "unit/train/ops/backends.h"

namespace espalier {
namespace {

using Ids = std::vector<std::int64_t>;

ESPALIER_ON_BACKENDS(EmbedOp);
ESPALIER_ON_BACKENDS(CrossEntropyOp);

Ids random_ids(std::int64_t count, std::int64_t below, std::uint64_t seed) {
  Rng rng(seed);
  Ids ids;
  for (std::int64_t i = 0; i < count; ++i)
    ids.push_back(static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(below))));
  return ids;
}

// Few rows and many tokens: most rows are used again and again, whose gradients add up.
TEST_P(EmbedOp, MatchesLoops) {
  const auto backend = GetParam();
  for (const std::int64_t N : {0, 1, 2, 100}) {
    SCOPED_TRACE(N);
    const std::int64_t V = 11, P = 9, S = 2, D = 19;
    const auto word = random_values(V * D, 1), position = random_values(P * D, 2),
               type = random_values(S * D, 3);
    const auto ids = random_ids(N, V, 4), positions = random_ids(N, P, 5), types = random_ids(N, S, 6);
    const auto dy = random_values(N * D, 7);
    const EmbeddingTables t{leaf(word, {V, D}, backend), leaf(position, {P, D}, backend),
                            leaf(type, {S, D}, backend)};
    const auto y =
        ops(backend).embed(t, torch::tensor(ids, torch::kInt64), torch::tensor(positions, torch::kInt64),
                           torch::tensor(types, torch::kInt64));
    expect_close(y, reference::embed({&word, &position, &type}, {&ids, &positions, &types}, D),
                 tolerance(backend), "y");
    y.backward(leaf(dy, {N, D}, backend).detach());
    expect_close(t.word.grad(), reference::embed_backward(dy, ids, V, D), tolerance(backend), "dword");
    expect_close(t.position.grad(), reference::embed_backward(dy, positions, P, D), tolerance(backend),
                 "dposition");
    expect_close(t.type.grad(), reference::embed_backward(dy, types, S, D), tolerance(backend), "dtype");
  }
}

TEST_P(CrossEntropyOp, MatchesLoops) {
  const auto backend = GetParam();
  for (const auto& [M, V] :
       std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 2}, {1, 301}, {37, 65}, {200, 1000}}) {
    SCOPED_TRACE(testing::Message() << M << " x " << V);
    const auto logits = random_values(M * V, 1, 3.0);
    const auto targets = random_ids(M, V, 2);
    const auto t = leaf(logits, {M, V}, backend);
    const auto loss = ops(backend).cross_entropy(t, torch::tensor(targets, torch::kInt64));
    const auto expected = reference::cross_entropy(logits, targets);
    EXPECT_NEAR(loss.item<double>(), expected.loss, tolerance(backend) * expected.loss);
    (3.0 * loss).backward();
    auto gradient = expected.dlogits;
    for (auto& value : gradient) value *= 3.0;
    expect_close(t.grad(), gradient, tolerance(backend), "dlogits");
  }
}

TEST_P(CrossEntropyOp, OfNoRowsIsZeroAndHasNoGradient) {
  const auto hidden = leaf({}, {0, 2}, GetParam()), words = leaf(random_values(10, 1), {5, 2}, GetParam());
  const auto loss =
      ops(GetParam())
          .cross_entropy(ops(GetParam()).linear(hidden, words, {}), torch::empty({0}, torch::kInt64));
  EXPECT_EQ(loss.item<double>(), 0.0);
  loss.backward();
  EXPECT_EQ(values_of(words.grad()), Values(10, 0.0));
}

// Logits whose exponentials overflow a float.
TEST_P(CrossEntropyOp, HoldsForLargeLogits) {
  const auto t = leaf({1000.0, 0.0, 998.0}, {1, 3}, GetParam());
  const auto loss = ops(GetParam()).cross_entropy(t, torch::tensor({2}, torch::kInt64));
  EXPECT_NEAR(loss.item<double>(), 2.0 + std::log1p(std::exp(-2.0)), 1e-4);
}

}  // namespace
}  // namespace espalier
