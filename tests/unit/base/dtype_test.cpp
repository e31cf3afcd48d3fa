#include "base/dtype.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "unit/base/user_error.h"

namespace espalier {
namespace {

constexpr std::uint32_t kAllHalves = 1u << 16;

float widen(Dtype dtype, std::uint64_t bits) {
  float value = 0;
  to_float32(dtype, std::as_bytes(std::span(&bits, 1)).first(size_bytes(dtype)), std::span(&value, 1));
  return value;
}

std::uint16_t narrow(Dtype dtype, float value) {
  std::uint16_t half = 0;
  from_float32(dtype, std::span(&value, 1), std::as_writable_bytes(std::span(&half, 1)));
  return half;
}

/// What a 16-bit float with `exponent_bits` means, from the definition, in double.
double meaning(std::uint32_t half, int exponent_bits) {
  const int fraction_bits = 15 - exponent_bits;
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = static_cast<int>((half & 0x7fff) >> fraction_bits);
  const double fraction = static_cast<double>(half & ((1u << fraction_bits) - 1));
  const double sign = (half & 0x8000) != 0 ? -1.0 : 1.0;
  if (exponent == (1 << exponent_bits) - 1) {
    return fraction == 0 ? sign * std::numeric_limits<double>::infinity()
                         : std::numeric_limits<double>::quiet_NaN();
  }
  const double significand = exponent == 0 ? fraction : fraction + std::ldexp(1.0, fraction_bits);
  return sign * std::ldexp(significand, std::max(exponent, 1) - bias - fraction_bits);
}

struct HalfFormat {
  Dtype dtype;
  int exponent_bits;
};
class Half : public ::testing::TestWithParam<HalfFormat> {};
INSTANTIATE_TEST_SUITE_P(Formats, Half,
                         ::testing::Values(HalfFormat{Dtype::kF16, 5}, HalfFormat{Dtype::kBF16, 8}),
                         [](const auto& format) { return std::string(name(format.param.dtype)); });

TEST_P(Half, EveryValueWidensToItsMeaningAndBack) {
  const auto [dtype, exponent_bits] = GetParam();
  for (std::uint32_t half = 0; half < kAllHalves; ++half) {
    const float value = widen(dtype, half);
    const double expected = meaning(half, exponent_bits);
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(value)) << half;
      ASSERT_TRUE(std::isnan(meaning(narrow(dtype, value), exponent_bits))) << half;
    } else {
      ASSERT_EQ(value, expected) << half;
      ASSERT_EQ(std::signbit(value), (half & 0x8000) != 0) << half;
      ASSERT_EQ(narrow(dtype, value), half);
    }
  }
}

// Between any two neighbours: just below the middle goes down, just above goes up, the middle to the even
// one.
TEST_P(Half, EveryTieAndItsNeighboursRoundToEven) {
  const auto [dtype, exponent_bits] = GetParam();
  const auto infinity = static_cast<std::uint32_t>(((1 << exponent_bits) - 1) << (15 - exponent_bits));
  for (std::uint32_t low = 0; low < infinity; ++low) {
    const double below = meaning(low, exponent_bits);
    // Past the largest finite value the "next" one is where the next exponent would start.
    const double gap = low + 1 == infinity ? below - meaning(low - 1, exponent_bits)
                                           : meaning(low + 1, exponent_bits) - below;
    const auto middle = static_cast<float>(below + gap / 2);
    ASSERT_EQ(middle, below + gap / 2) << "not a float32: " << low;
    for (const std::uint32_t sign : {0u, 0x8000u}) {
      const float s = sign == 0 ? 1.0F : -1.0F;
      ASSERT_EQ(narrow(dtype, s * middle), sign | (low + (low & 1))) << low;
      ASSERT_EQ(narrow(dtype, s * std::nextafter(middle, 0.0F)), sign | low) << low;
      ASSERT_EQ(narrow(dtype, s * std::nextafter(middle, INFINITY)), sign | (low + 1)) << low;
    }
  }
}

TEST_P(Half, EveryNanStaysNan) {
  const auto [dtype, exponent_bits] = GetParam();
  for (std::uint32_t fraction = 1; fraction < (1u << 23); fraction += 97) {
    for (const std::uint32_t sign : {0u, 0x80000000u}) {
      const float nan = std::bit_cast<float>(sign | 0x7f800000 | fraction);
      ASSERT_TRUE(std::isnan(meaning(narrow(dtype, nan), exponent_bits))) << fraction;
    }
  }
  EXPECT_TRUE(std::isnan(meaning(narrow(dtype, std::bit_cast<float>(0x7f800001u)), exponent_bits)));
}

// Rounding never depends on the position in a vector: every upper half with a spread of lower halves, all at
// once.
TEST(Bf16, EveryUpperHalfRoundsLikeTheDefinition) {
  for (const std::uint32_t lower : {0x0000u, 0x0001u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu}) {
    std::vector<float> values(kAllHalves);
    for (std::uint32_t upper = 0; upper < kAllHalves; ++upper)
      values[upper] = std::bit_cast<float>(upper << 16 | lower);
    std::vector<std::uint16_t> rounded(kAllHalves);
    from_float32(Dtype::kBF16, values, std::as_writable_bytes(std::span(rounded)));
    for (std::uint32_t upper = 0; upper < kAllHalves; ++upper) {
      if (std::isnan(values[upper])) {
        ASSERT_TRUE(std::isnan(meaning(rounded[upper], 8)));
        continue;
      }
      const bool up = lower > 0x8000 || (lower == 0x8000 && (upper & 1) == 1);
      ASSERT_EQ(rounded[upper], upper + (up ? 1 : 0)) << upper << " " << lower;
    }
  }
}

TEST(F8, E4M3HasNoInfinitiesAndReaches448) {
  EXPECT_EQ(widen(Dtype::kF8E4M3, 0x7e), 448.0F);
  EXPECT_TRUE(std::isnan(widen(Dtype::kF8E4M3, 0x7f)));
  EXPECT_TRUE(std::isnan(widen(Dtype::kF8E4M3, 0xff)));
  EXPECT_EQ(widen(Dtype::kF8E4M3, 0x38), 1.0F);
  EXPECT_EQ(widen(Dtype::kF8E4M3, 0x01), 0x1p-9F);
  EXPECT_EQ(widen(Dtype::kF8E4M3, 0x08), 0x1p-6F);
  EXPECT_EQ(widen(Dtype::kF8E4M3, 0xb9), -1.125F);
  EXPECT_TRUE(std::signbit(widen(Dtype::kF8E4M3, 0x80)));
  for (unsigned byte = 1; byte < 0x7f; ++byte) {
    ASSERT_GT(widen(Dtype::kF8E4M3, byte), widen(Dtype::kF8E4M3, byte - 1));
  }
}

TEST(F8, E5M2IsTheUpperByteOfF16) {
  EXPECT_EQ(widen(Dtype::kF8E5M2, 0x7b), 57344.0F);
  EXPECT_EQ(widen(Dtype::kF8E5M2, 0x3c), 1.0F);
  EXPECT_EQ(widen(Dtype::kF8E5M2, 0x01), 0x1p-16F);
  EXPECT_TRUE(std::isinf(widen(Dtype::kF8E5M2, 0xfc)));
  EXPECT_TRUE(std::isnan(widen(Dtype::kF8E5M2, 0x7d)));
}

TEST(Dtype, Float32AndFloat64AndUnalignedBytes) {
  EXPECT_EQ(widen(Dtype::kF32, std::bit_cast<std::uint32_t>(1.5F)), 1.5F);
  EXPECT_EQ(widen(Dtype::kF64, std::bit_cast<std::uint64_t>(1e-3)), 1e-3F);
  std::vector<std::byte> bytes(1 + 2 * 100);
  std::vector<float> values(100);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  from_float32(Dtype::kF16, values, std::span(bytes).subspan(1));
  std::vector<float> back(100);
  to_float32(Dtype::kF16, std::span(bytes).subspan(1), back);
  EXPECT_EQ(back, values);
}

TEST(Dtype, NamesSizesAndErrors) {
  for (int i = 0; i <= static_cast<int>(Dtype::kU64); ++i) {
    const auto dtype = static_cast<Dtype>(i);
    EXPECT_EQ(parse_dtype(name(dtype)), dtype);
  }
  EXPECT_EQ(size_bytes(Dtype::kBF16), 2U);
  EXPECT_EQ(name(Dtype::kF8E4M3), "F8_E4M3");
  fixtures::expect_user_error([] { parse_dtype("FP32"); }, {"unknown dtype \"FP32\"", "BOOL, U8", "F32"});
  fixtures::expect_user_error([] { widen(Dtype::kI32, 0); }, {"found dtype I32, expected floating point"});
  fixtures::expect_user_error([] { narrow(Dtype::kI16, 0); }, {"cannot be stored as I16"});
  float value = 0;
  EXPECT_THROW(to_float32(Dtype::kF32, {}, std::span(&value, 1)), InternalError);
}

}  // namespace
}  // namespace espalier
