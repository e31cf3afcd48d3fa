#include <omp.h>

#include <limits>

#include "unit/kernels/simd/variants.h"

namespace espalier::simd {
namespace {

using ActivationTest = SimdTest;

/// A fine grid over the range where neither side is flat, and beyond it.
Floats grid(float from, float to, std::int64_t count) {
  Floats x(count);
  for (std::int64_t i = 0; i < count; ++i) x[i] = from + (to - from) * static_cast<float>(i) / count;
  return x;
}

TEST_P(ActivationTest, GeluIsAccurateEverywhere) {
  Floats x = grid(-12, 12, 200001);
  const Floats small = grid(-1e-3F, 1e-3F, 20001);
  x.insert(x.end(), small.begin(), small.end());
  x.insert(x.end(), {0.0F, 1e-30F, -1e-30F, 60.0F, -60.0F, 3e38F, -3e38F});
  Floats a(x.size());
  const auto count = static_cast<std::int64_t>(x.size());
  simd().gelu_forward({.h = x.data(), .a = a.data(), .n = 1, .f = count});
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double want = reference::gelu(x[i]);
    ASSERT_LE(std::abs(a[i] - want), 2.5e-7 * std::abs(double{x[i]})) << "gelu(" << x[i] << ")";
    if (x[i] > -5) {
      ASSERT_LE(std::abs(a[i] - want), 2e-6 * std::abs(want)) << "relative, gelu(" << x[i] << ")";
    }
  }
}

TEST_P(ActivationTest, GeluDerivativeIsAccurateEverywhere) {
  const Floats x = grid(-12, 12, 200001);
  const Floats ones(x.size(), 1.0F);
  Floats dh(x.size());
  const auto count = static_cast<std::int64_t>(x.size());
  simd().gelu_backward({.da = ones.data(), .h = x.data(), .dh = dh.data(), .n = 1, .f = count});
  for (std::size_t i = 0; i < x.size(); ++i) {
    ASSERT_NEAR(dh[i], reference::gelu_derivative(x[i]), 3e-7) << "x = " << x[i];
  }
}

TEST_P(ActivationTest, GeluWithBiasMatchesTheReference) {
  for (const auto& [n, f] : kShapes) {
    const Floats h = random_floats(n * f, 1);
    const Floats bias = random_floats(f, 2);
    const Floats da = random_floats(n * f, 3);
    Floats a(n * f);
    Floats dbias(f, 99.0F);
    Floats dh = da;
    simd().gelu_forward({.h = h.data(), .bias = bias.data(), .a = a.data(), .n = n, .f = f});
    simd().gelu_backward({.da = dh.data(),
                          .h = h.data(),
                          .bias = bias.data(),
                          .dh = dh.data(),
                          .dbias = dbias.data(),
                          .n = n,
                          .f = f});
    Floats derivative = h;  // in h's place
    Floats again(n * f);
    Floats dh_again(n * f);
    Floats dbias_again(f);
    simd().gelu_forward({.h = derivative.data(),
                         .bias = bias.data(),
                         .a = again.data(),
                         .derivative = derivative.data(),
                         .n = n,
                         .f = f});
    simd().gelu_backward({.da = da.data(),
                          .derivative = derivative.data(),
                          .dh = dh_again.data(),
                          .dbias = dbias_again.data(),
                          .n = n,
                          .f = f});
    EXPECT_EQ(again, a);
    reference::Values want(n * f);
    reference::Values want_dh(n * f);
    for (std::int64_t i = 0; i < n * f; ++i) {
      const double x = double{h[i]} + bias[i % f];
      want[i] = reference::gelu(x);
      want_dh[i] = da[i] * reference::gelu_derivative(x);
    }
    expect_close(a, want, 4e-7, "a");
    expect_close(dh, want_dh, 4e-7, "dh");
    expect_close(dh_again, want_dh, 4e-7, "dh from the derivative");
    expect_close(dbias_again, reference::column_sums(want_dh, f), kTolerance, "dbias from the derivative");
    expect_close(dbias, reference::column_sums(want_dh, f), kTolerance, "dbias");
  }
}

TEST_P(ActivationTest, TanhMatchesTheReference) {
  Floats x = grid(-12, 12, 100001);
  const Floats small = grid(-1e-3F, 1e-3F, 1001);
  x.insert(x.end(), small.begin(), small.end());
  x.insert(x.end(), {100.0F, -100.0F, 1e-20F});
  const auto count = static_cast<std::int64_t>(x.size());
  Floats y(x.size());
  simd().tanh_forward(x.data(), y.data(), count);
  Floats dx(x.size(), 2.0F);
  simd().tanh_backward(dx.data(), y.data(), dx.data(), count);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double want = std::tanh(double{x[i]});
    ASSERT_LE(std::abs(y[i] - want), 3e-7 * std::abs(want)) << "tanh(" << x[i] << ")";
    ASSERT_NEAR(dx[i], 2 * (1 - want * want), 1e-6);
  }
}

TEST_P(ActivationTest, NanStaysNan) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  Floats x(19, 1.0F);
  x[3] = x[18] = nan;
  Floats y(19);
  simd().gelu_forward({.h = x.data(), .a = y.data(), .n = 1, .f = 19});
  EXPECT_TRUE(std::isnan(y[3]) && std::isnan(y[18]) && !std::isnan(y[4]));
  simd().tanh_forward(x.data(), y.data(), 19);
  EXPECT_TRUE(std::isnan(y[3]) && std::isnan(y[18]) && !std::isnan(y[4]));
  EXPECT_TRUE(std::isnan(simd().sum_of_squares(x.data(), 19)));
}

TEST_P(ActivationTest, BiasGradientDoesNotDependOnThreads) {
  const std::int64_t n = 777;
  const std::int64_t f = 131;
  const Floats h = random_floats(n * f, 1);
  const Floats da = random_floats(n * f, 2);
  const int threads = omp_get_max_threads();
  std::vector<Floats> results;
  for (const int count : {1, 2, 3, 7}) {
    omp_set_num_threads(count);
    Floats dh(n * f);
    Floats dbias(f);
    simd().gelu_backward(
        {.da = da.data(), .h = h.data(), .dh = dh.data(), .dbias = dbias.data(), .n = n, .f = f});
    results.push_back(dbias);
  }
  omp_set_num_threads(threads);
  for (const Floats& result : results) EXPECT_EQ(result, results.front());
}

ESPALIER_FOR_EVERY_VARIANT(ActivationTest);

}  // namespace
}  // namespace espalier::simd
