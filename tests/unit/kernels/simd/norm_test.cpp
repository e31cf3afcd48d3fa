#include "unit/kernels/simd/variants.h"

namespace espalier::simd {
namespace {

using NormTest = SimdTest;

constexpr float kEps = 1e-5F;

/// residual + dropout(x + bias) in double.
reference::Values sum_of(const Floats& x, const Floats& bias, const Floats& residual, DropoutKey key) {
  reference::Values z = widen(x);
  for (std::size_t i = 0; i < z.size(); ++i) z[i] += bias[i % bias.size()];
  z = apply_dropout(z, key);
  for (std::size_t i = 0; i < z.size(); ++i) z[i] += residual[i];
  return z;
}

class NormCase {
 public:
  NormCase(std::int64_t rows, std::int64_t width)
      : n(rows),
        d(width),
        x(random_floats(n * d, 1)),
        residual(random_floats(n * d, 2)),
        dy(random_floats(n * d, 3)),
        bias(random_floats(d, 4)),
        gamma(random_floats(d, 5)),
        beta(random_floats(d, 6)) {}
  std::int64_t n, d;
  Floats x, residual, dy, bias, gamma, beta;
};

void check_fused(const Kernels& simd, const NormCase& c, DropoutKey key) {
  const auto [n, d] = std::pair(c.n, c.d);
  Floats z(n * d);
  Floats y(n * d);
  Floats mean(n);
  Floats rstd(n);
  simd.layer_norm_forward({.x = c.x.data(),
                           .bias = c.bias.data(),
                           .residual = c.residual.data(),
                           .gamma = c.gamma.data(),
                           .beta = c.beta.data(),
                           .z = z.data(),
                           .y = y.data(),
                           .mean = mean.data(),
                           .rstd = rstd.data(),
                           .n = n,
                           .d = d,
                           .eps = kEps,
                           .dropout = key});
  const reference::Values want_z = sum_of(c.x, c.bias, c.residual, key);
  expect_close(z, want_z, 4e-7, "z");
  const reference::Normalised want = reference::layer_norm(widen(z), widen(c.gamma), widen(c.beta), kEps);
  expect_close(y, want.y, kTolerance, "y");
  expect_close(mean, want.mean, kTolerance, "mean");
  expect_close(rstd, want.rstd, kTolerance, "rstd");

  Floats dz = c.dy;
  Floats dx(n * d);
  Floats dgamma(d, 9.0F);
  Floats dbeta(d, 9.0F);
  Floats dbias(d, 9.0F);
  simd.layer_norm_backward({.dy = dz.data(),
                            .z = z.data(),
                            .mean = mean.data(),
                            .rstd = rstd.data(),
                            .gamma = c.gamma.data(),
                            .dz = dz.data(),
                            .dx = dx.data(),
                            .dgamma = dgamma.data(),
                            .dbeta = dbeta.data(),
                            .dbias = dbias.data(),
                            .n = n,
                            .d = d,
                            .dropout = key});
  const auto gradients = reference::layer_norm_backward(widen(c.dy), widen(z), widen(c.gamma), kEps);
  const reference::Values want_dx = apply_dropout(gradients.dz, key);
  // A width of 1 has no variance: rstd is 1 / sqrt(eps) and the true gradient is 0.
  const double tolerance = d == 1 ? 1e-3 : 2e-5;
  expect_close(dz, gradients.dz, tolerance, "dz");
  expect_close(dx, want_dx, tolerance, "dx");
  expect_close(dgamma, gradients.dgamma, tolerance, "dgamma");
  expect_close(dbeta, gradients.dbeta, kTolerance, "dbeta");
  expect_close(dbias, reference::column_sums(want_dx, d), tolerance, "dbias");
}

TEST_P(NormTest, FusedMatchesTheReference) {
  for (const auto& [n, d] : kShapes) {
    SCOPED_TRACE(testing::Message() << n << " rows of " << d);
    check_fused(simd(), NormCase(n, d), {});
    check_fused(simd(), NormCase(n, d), {.key = 7, .p = 0.1F});
  }
}

TEST_P(NormTest, PlainWorksInPlaceAndWithoutStatistics) {
  const NormCase c(9, 31);
  Floats y = c.x;
  simd().layer_norm_forward({.x = y.data(),
                             .gamma = c.gamma.data(),
                             .beta = c.beta.data(),
                             .y = y.data(),
                             .n = 9,
                             .d = 31,
                             .eps = kEps});
  expect_close(y, reference::layer_norm(widen(c.x), widen(c.gamma), widen(c.beta), kEps).y, kTolerance, "y");
}

TEST_P(NormTest, FusedWritesTheSumOverX) {
  const NormCase c(5, 48);
  const DropoutKey key{.key = 8, .p = 0.5F};
  Floats z = c.x;
  Floats y(5 * 48);
  simd().layer_norm_forward({.x = z.data(),
                             .bias = c.bias.data(),
                             .residual = c.residual.data(),
                             .gamma = c.gamma.data(),
                             .beta = c.beta.data(),
                             .z = z.data(),
                             .y = y.data(),
                             .n = 5,
                             .d = 48,
                             .eps = kEps,
                             .dropout = key});
  expect_close(z, sum_of(c.x, c.bias, c.residual, key), 4e-7, "z");
}

TEST_P(NormTest, LargeMeanLosesNoPrecision) {
  Floats x = random_floats(256, 1);
  for (float& v : x) v += 1000.0F;
  const Floats gamma(256, 1.0F);
  const Floats beta(256, 0.0F);
  Floats y(256);
  simd().layer_norm_forward({.x = x.data(),
                             .gamma = gamma.data(),
                             .beta = beta.data(),
                             .y = y.data(),
                             .n = 1,
                             .d = 256,
                             .eps = kEps});
  expect_close(y, reference::layer_norm(widen(x), widen(gamma), widen(beta), kEps).y, 1e-4, "y");
}

ESPALIER_FOR_EVERY_VARIANT(NormTest);

}  // namespace
}  // namespace espalier::simd
