#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <span>
#include <string>

#include "base/buffer.h"
#include "base/rng.h"
#include "reference/elementwise.h"

namespace espalier {

using reference::Indices;
using reference::Values;

/// Relative 2-norm of a difference of what is counted in float32: sums of up to about a thousand products
/// round to some 1e-7 each way, and GELU's error is 2.5e-7 of its input; a wrong formula is off by 1e-3 and
/// more.
constexpr double kFloat32Tolerance = 5e-6;

/// Numbers a float32 holds exactly, so that what is tested and the loops start from the same ones.
inline Values random_values(std::int64_t count, std::uint64_t seed, double deviation = 1.0) {
  Rng rng(seed);
  Values values;
  for (std::int64_t i = 0; i < count; ++i) values.push_back(static_cast<float>(deviation * rng.normal()));
  return values;
}

inline Values values_of(std::span<const float> values) {
  return {values.begin(), values.end()};
}
inline Values values_of(const Buffer<float>& buffer) {
  return values_of(buffer.span());
}

/// Where the expected values are all zero, nothing but zero will do.
inline void expect_close(const Values& found, const Values& expected, double limit, const std::string& what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    difference += std::pow(found[i] - expected[i], 2);
    norm += expected[i] * expected[i];
  }
  EXPECT_TRUE(std::sqrt(difference) <= limit * std::sqrt(norm))
      << what << ": relative difference " << std::sqrt(difference / norm) << ", limit " << limit;
}

}  // namespace espalier
