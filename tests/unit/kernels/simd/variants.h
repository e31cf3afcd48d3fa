#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "base/rng.h"
#include "kernels/simd/kernels.h"
#include "reference/elementwise.h"

/// Every test of kernels/simd runs once for each build variant that this machine can run.
namespace espalier::simd {

class SimdTest : public ::testing::TestWithParam<const Kernels*> {
 protected:
  const Kernels& simd() const { return *GetParam(); }
};

inline std::string variant_name(const ::testing::TestParamInfo<const Kernels*>& variant) {
  return variant.param->isa;
}

#define ESPALIER_FOR_EVERY_VARIANT(Suite)                                                               \
  INSTANTIATE_TEST_SUITE_P(Simd, Suite,                                                                 \
                           ::testing::ValuesIn(available_kernels().begin(), available_kernels().end()), \
                           variant_name)

using Floats = std::vector<float>;
using Indices = reference::Indices;

/// Numbers in -range .. range from a fixed sequence.
inline Floats random_floats(std::int64_t count, std::uint64_t seed, float range = 3) {
  Floats out(count);
  std::uint64_t state = seed * 0x9E3779B97F4A7C15ULL + 1;
  for (float& v : out) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    v = (static_cast<float>(state >> 40) / 8388608.0F - 1.0F) * range;
  }
  return out;
}

inline reference::Values widen(const Floats& x) {
  return {x.begin(), x.end()};
}

/// |got - want| <= tolerance * (1 + the largest |want|), element by element.
inline void expect_close(const Floats& got, const reference::Values& want, double tolerance,
                         const std::string& what) {
  ASSERT_EQ(got.size(), want.size()) << what;
  double largest = 1;
  for (const double w : want) largest = std::max(largest, std::abs(w));
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_LE(std::abs(got[i] - want[i]), tolerance * largest)
        << what << " at " << i << ": " << got[i] << ", expected " << want[i];
  }
}

/// Dropout by its definition, one element at a time.
inline reference::Values apply_dropout(reference::Values x, DropoutKey key) {
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = dropout_keeps(key, i) ? x[i] / (1.0 - key.p) : 0.0;
  return x;
}

struct Shape {
  std::int64_t n, width;
};
/// Rows 0 and 1, more rows than chunks, and widths that leave every kind of rest.
inline const std::vector<Shape> kShapes = {{0, 16},  {1, 1},    {1, 256},   {3, 7},    {5, 16},
                                           {37, 31}, {64, 160}, {200, 256}, {1100, 33}};

/// Rounding of float32 sums of a few hundred terms, relative to the largest result.
constexpr double kTolerance = 3e-6;

}  // namespace espalier::simd
