#include "formats/fp8_numbers.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"

namespace espalier::formats {
namespace {

float value_of(Dtype dtype, std::byte byte) {
  float value = 0;
  to_float32(dtype, {&byte, 1}, {&value, 1});
  return value;
}

class Fp8Rounding : public ::testing::TestWithParam<Dtype> {};
INSTANTIATE_TEST_SUITE_P(Both, Fp8Rounding, ::testing::Values(Dtype::kF8E4M3, Dtype::kF8E5M2),
                         [](const auto& test) { return std::string(name(test.param)); });

TEST_P(Fp8Rounding, EveryNumberIsItself) {
  for (int code = 0; code < 256; ++code) {
    const float value = value_of(GetParam(), static_cast<std::byte>(code));
    if (!std::isfinite(value)) continue;
    EXPECT_EQ(to_fp8(GetParam(), value), static_cast<std::byte>(code));
  }
}

TEST_P(Fp8Rounding, NoNumberIsNearerAndTiesGoToTheEvenCode) {
  Rng rng(1);
  for (int repeat = 0; repeat < 2000; ++repeat) {
    const auto value = static_cast<float>(rng.normal() * std::exp2(static_cast<double>(rng.below(20)) - 12));
    const float found = value_of(GetParam(), to_fp8(GetParam(), value));
    for (int code = 0; code < 256; ++code) {
      const float other = value_of(GetParam(), static_cast<std::byte>(code));
      if (!std::isfinite(other)) continue;
      ASSERT_LE(std::fabs(found - value), std::fabs(other - value)) << value;
    }
  }
  for (int code = 0; code < 0x77; ++code) {
    const float low = value_of(GetParam(), static_cast<std::byte>(code)),
                high = value_of(GetParam(), static_cast<std::byte>(code + 1));
    EXPECT_EQ(static_cast<int>(to_fp8(GetParam(), (low + high) / 2)), code % 2 == 0 ? code : code + 1);
  }
}

TEST_P(Fp8Rounding, BeyondTheLargestIsTheLargest) {
  const float largest = largest_fp8(GetParam());
  EXPECT_EQ(value_of(GetParam(), to_fp8(GetParam(), 1e9F)), largest);
  EXPECT_EQ(value_of(GetParam(), to_fp8(GetParam(), -INFINITY)), -largest);
  EXPECT_TRUE(std::isnan(value_of(GetParam(), to_fp8(GetParam(), NAN))));
  EXPECT_EQ(largest, GetParam() == Dtype::kF8E4M3 ? 448.0F : 57344.0F);
}

}  // namespace
}  // namespace espalier::formats
