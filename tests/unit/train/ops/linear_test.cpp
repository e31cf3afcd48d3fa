// Linear layers and the dense feed-forward network against plain loops, on both backends.
#include "reference/layers.h"
#include "unit/train/ops/backends.h"

namespace espalier {
namespace {

struct Shape {
  std::int64_t rows, in, out;
};

// No rows, one row, odd widths, and output widths that are a multiple of a memory page (256 floats), whose
// weight gradient takes another way; there also row counts of 256.
const Shape kShapes[] = {{0, 3, 5},   {1, 1, 1},   {1, 7, 5},     {5, 13, 3},     {33, 17, 31},
                         {0, 5, 256}, {1, 9, 256}, {19, 33, 256}, {256, 12, 256}, {40, 256, 512}};

// Enough rows that threads share them, in one part each and in several; last: as many rows as outputs.
const Shape kSharedShapes[] = {{200, 70, 130}, {1000, 33, 50}, {256, 24, 256}};

ESPALIER_ON_BACKENDS(LinearOp);
ESPALIER_ON_BACKENDS(FfnOp);

void expect_linear_as_in_loops(const Shape& shape, Backend backend) {
  const auto [rows, in, out] = shape;
  SCOPED_TRACE(testing::Message() << rows << " x " << in << " -> " << out);
  const auto x = random_values(rows * in, 1), w = random_values(out * in, 2), b = random_values(out, 3);
  const auto dy = random_values(rows * out, 4);
  const auto tx = leaf(x, {rows, in}, backend), tw = leaf(w, {out, in}, backend),
             tb = leaf(b, {out}, backend);
  const auto y = ops(backend).linear(tx, tw, tb);
  const auto width = static_cast<std::size_t>(in);
  expect_close(y, reference::linear(x, w, b, width), tolerance(backend), "y");
  y.backward(leaf(dy, {rows, out}, backend).detach());
  const auto expected = reference::linear_backward(dy, x, w, width);
  expect_close(tx.grad(), expected.dx, tolerance(backend), "dx");
  expect_close(tw.grad(), expected.dweight, tolerance(backend), "dweight");
  expect_close(tb.grad(), expected.dbias, tolerance(backend), "dbias");
}

TEST_P(LinearOp, MatchesLoops) {
  for (const auto& shape : kShapes) expect_linear_as_in_loops(shape, GetParam());
}

TEST_P(LinearOp, MatchesLoopsWhereThreadsShareTheRows) {
  const Threads three(3);
  for (const auto& shape : kSharedShapes) expect_linear_as_in_loops(shape, GetParam());
}

TEST_P(LinearOp, WithoutBias) {
  const auto x = random_values(6 * 5, 1), w = random_values(3 * 5, 2);
  const auto tx = leaf(x, {6, 5}, GetParam()), tw = leaf(w, {3, 5}, GetParam());
  const auto y = ops(GetParam()).linear(tx, tw, {});
  expect_close(y, reference::linear(x, w, {}, 5), tolerance(GetParam()), "y");
  y.sum().backward();
  expect_close(tw.grad(), reference::linear_backward(Values(18, 1.0), x, w, 5).dweight, tolerance(GetParam()),
               "dweight");
}

// A column slice is not contiguous, and a sum's gradient is one number seen many times.
TEST_P(LinearOp, TakesTensorsThatAreNotContiguous) {
  const auto wide = random_values(4 * 10, 1), w = random_values(3 * 5, 2);
  Values x;
  for (std::size_t i = 0; i < wide.size(); ++i)
    if (i % 10 < 5) x.push_back(wide[i]);
  const auto tx = leaf(wide, {4, 10}, GetParam()), tw = leaf(w, {5, 3}, GetParam());
  const auto y = ops(GetParam()).linear(tx.narrow(1, 0, 5), tw.t(), {});
  y.sum().backward();
  Values turned;
  for (std::size_t o = 0; o < 3; ++o)
    for (std::size_t i = 0; i < 5; ++i) turned.push_back(w[i * 3 + o]);
  expect_close(y, reference::linear(x, turned, {}, 5), tolerance(GetParam()), "y");
  const auto expected = reference::linear_backward(Values(12, 1.0), x, turned, 5);
  expect_close(tx.grad().narrow(1, 0, 5), expected.dx, tolerance(GetParam()), "dx");
  expect_close(tw.grad().t(), expected.dweight, tolerance(GetParam()), "dweight");
}

void expect_ffn_as_in_loops(const Shape& shape, Backend backend) {
  const auto [rows, D, F] = shape;
  SCOPED_TRACE(testing::Message() << rows << " x " << D << " x " << F);
  const auto x = random_values(rows * D, 1), dy = random_values(rows * D, 2);
  const reference::Ffn w{random_values(F * D, 3), random_values(F, 4), random_values(D * F, 5),
                         random_values(D, 6)};
  const auto tx = leaf(x, {rows, D}, backend);
  const FeedForwardWeights t{leaf(w.up, {F, D}, backend), leaf(w.up_bias, {F}, backend),
                             leaf(w.down, {D, F}, backend), leaf(w.down_bias, {D}, backend)};
  const auto y = ops(backend).feed_forward(tx, t);
  expect_close(y, reference::ffn(x, w), tolerance(backend), "y");
  y.backward(leaf(dy, {rows, D}, backend).detach());
  const auto expected = reference::ffn_backward(dy, x, w);
  expect_close(tx.grad(), expected.dx, tolerance(backend), "dx");
  expect_close(t.up.grad(), expected.dweights.up, tolerance(backend), "dup");
  expect_close(t.up_bias.grad(), expected.dweights.up_bias, tolerance(backend), "dup_bias");
  expect_close(t.down.grad(), expected.dweights.down, tolerance(backend), "ddown");
  expect_close(t.down_bias.grad(), expected.dweights.down_bias, tolerance(backend), "ddown_bias");
}

TEST_P(FfnOp, MatchesLoops) {
  for (const auto& shape : kShapes) expect_ffn_as_in_loops(shape, GetParam());
}

TEST_P(FfnOp, MatchesLoopsWhereThreadsShareTheRows) {
  const Threads three(3);
  for (const auto& shape : kSharedShapes) expect_ffn_as_in_loops(shape, GetParam());
}

}  // namespace
}  // namespace espalier
