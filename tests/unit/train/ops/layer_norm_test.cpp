// Residual and layer norm, dropout and GELU against plain loops, on both backends.
#include "unit/train/ops/backends.h"

namespace espalier {
namespace {

struct Case {
  std::int64_t rows, width;
  double dropout;
};

const Case kCases[] = {{0, 4, 0.1},   {1, 3, 0.0},    {1, 5, 0.5},  {7, 33, 0.0},
                       {65, 17, 0.1}, {40, 256, 0.1}, {3, 768, 0.1}};
constexpr double kEpsilon = 1e-5;

ESPALIER_ON_BACKENDS(AddNormOp);
ESPALIER_ON_BACKENDS(NormOp);
ESPALIER_ON_BACKENDS(DropoutOp);
ESPALIER_ON_BACKENDS(GeluOp);

Values times_mask(Values values, const Dropout& dropout) {
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] *= dropout_factor(dropout, static_cast<std::int64_t>(i));
  return values;
}

Values sum(Values a, const Values& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}

TEST_P(AddNormOp, MatchesLoops) {
  const auto backend = GetParam();
  for (const auto& [N, D, probability] : kCases) {
    SCOPED_TRACE(testing::Message() << N << " x " << D << ", dropout " << probability);
    const Dropout dropout{probability, 99};
    const auto residual = random_values(N * D, 1), x = random_values(N * D, 2), dy = random_values(N * D, 3);
    const auto weight = random_values(D, 4), bias = random_values(D, 5);
    const auto tr = leaf(residual, {N, D}, backend), tx = leaf(x, {N, D}, backend);
    const auto tw = leaf(weight, {D}, backend), tb = leaf(bias, {D}, backend);
    const auto y = ops(backend).layer_norm(tr, tx, tw, tb, kEpsilon, dropout);
    const auto z = sum(residual, times_mask(x, dropout));
    expect_close(y, reference::layer_norm(z, weight, bias, kEpsilon).y, tolerance(backend), "y");
    y.backward(leaf(dy, {N, D}, backend).detach());
    const auto expected = reference::layer_norm_backward(dy, z, weight, kEpsilon);
    expect_close(tr.grad(), expected.dz, tolerance(backend), "dresidual");
    expect_close(tx.grad(), times_mask(expected.dz, dropout), tolerance(backend), "dx");
    expect_close(tw.grad(), expected.dgamma, tolerance(backend), "dweight");
    expect_close(tb.grad(), expected.dbeta, tolerance(backend), "dbias");
  }
}

TEST_P(NormOp, MatchesLoops) {
  const auto backend = GetParam();
  for (const auto& [N, D, probability] : kCases) {
    SCOPED_TRACE(testing::Message() << N << " x " << D << ", dropout " << probability);
    const Dropout dropout{probability, 7};
    const auto x = random_values(N * D, 2), dy = random_values(N * D, 3);
    const auto weight = random_values(D, 4), bias = random_values(D, 5);
    const auto tx = leaf(x, {N, D}, backend), tw = leaf(weight, {D}, backend), tb = leaf(bias, {D}, backend);
    const auto y = ops(backend).dropout(ops(backend).layer_norm({}, tx, tw, tb, kEpsilon, {}), dropout);
    expect_close(y, times_mask(reference::layer_norm(x, weight, bias, kEpsilon).y, dropout),
                 tolerance(backend), "y");
    y.backward(leaf(dy, {N, D}, backend).detach());
    const auto expected = reference::layer_norm_backward(times_mask(dy, dropout), x, weight, kEpsilon);
    expect_close(tx.grad(), expected.dz, tolerance(backend), "dx");
    expect_close(tw.grad(), expected.dgamma, tolerance(backend), "dweight");
    expect_close(tb.grad(), expected.dbeta, tolerance(backend), "dbias");
  }
}

TEST_P(DropoutOp, MasksByKeyAndIndex) {
  const auto backend = GetParam();
  const Dropout dropout{0.25, 4711};
  const auto x = random_values(50 * 41, 1), dy = random_values(50 * 41, 2);
  const auto t = leaf(x, {50, 41}, backend);
  const auto y = ops(backend).dropout(t, dropout);
  expect_close(y, times_mask(x, dropout), tolerance(backend), "y");
  y.backward(leaf(dy, {50, 41}, backend).detach());
  expect_close(t.grad(), times_mask(dy, dropout), tolerance(backend), "dx");
  const auto kept = (y != 0).sum().item<std::int64_t>();
  EXPECT_NEAR(static_cast<double>(kept) / 2050.0, 0.75, 0.04);  // four standard deviations
  EXPECT_FALSE(torch::equal(y, ops(backend).dropout(t, {0.25, 4712})));
}

TEST_P(DropoutOp, IsTheIdentityInEvaluation) {
  const auto t = leaf(random_values(12, 1), {3, 4}, GetParam());
  EXPECT_TRUE(torch::equal(ops(GetParam()).dropout(t, {}), t));
}

TEST_P(GeluOp, MatchesLoops) {
  const auto backend = GetParam();
  for (const auto rows : {0, 1, 30}) {
    const auto x = random_values(rows * 37, 1, 2.0);
    const auto t = leaf(x, {rows, 37}, backend);
    const auto y = ops(backend).gelu(t);
    y.sum().backward();
    Values expected = x, gradient = x;
    for (auto& value : expected) value = reference::gelu(value);
    for (auto& value : gradient) value = reference::gelu_derivative(value);
    expect_close(y, expected, tolerance(backend), "y");
    expect_close(t.grad(), gradient, tolerance(backend), "dx");
  }
}

}  // namespace
}  // namespace espalier
