#include "formats/fp8_numbers.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

namespace espalier::formats {
namespace {

/// The finite numbers from 0 up, in the order of their codes.
std::vector<float> positive_numbers(Dtype dtype) {
  const int codes = dtype == Dtype::kF8E4M3 ? 0x7f : 0x7c;
  std::vector<float> numbers;
  for (int code = 0; code < codes; ++code) {
    const auto byte = static_cast<std::byte>(code);
    to_float32(dtype, {&byte, 1}, {&numbers.emplace_back(), 1});
  }
  return numbers;
}

const std::vector<float>& numbers_of(Dtype dtype) {
  static const std::vector<float> e4m3 = positive_numbers(Dtype::kF8E4M3),
                                  e5m2 = positive_numbers(Dtype::kF8E5M2);
  return dtype == Dtype::kF8E4M3 ? e4m3 : e5m2;
}

/// Without branches, so that the compiler vectorises what calls it. Adding 2^14 aligns the last bit of a
/// number below the normal ones, 2^-9, with the last bit of float32: the addition rounds to even.
std::byte to_e4m3(float value) {
  constexpr float kSmall = 0x1p14F;
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value), sign = bits >> 24 & 0x80;
  const float size = std::min(std::bit_cast<float>(bits & 0x7fffffff), 448.0F);
  const std::uint32_t number = std::bit_cast<std::uint32_t>(size);
  const std::uint32_t normal = ((number + 0x7ffff + (number >> 20 & 1)) >> 20) - (120U << 3);
  const std::uint32_t small =
      std::bit_cast<std::uint32_t>(size + kSmall) - std::bit_cast<std::uint32_t>(kSmall);
  const std::uint32_t code = size < 0x1p-6F ? small : normal;
  return static_cast<std::byte>((value != value ? 0x7f : code) | sign);
}

}  // namespace

float largest_fp8(Dtype dtype) {
  return numbers_of(dtype).back();
}

std::byte to_fp8(Dtype dtype, float value) {
  const std::vector<float>& numbers = numbers_of(dtype);
  if (std::isnan(value)) return std::byte{0x7f};
  const float size = std::min(std::fabs(value), numbers.back());
  auto code =
      static_cast<std::size_t>(std::lower_bound(numbers.begin(), numbers.end(), size) - numbers.begin());
  if (code > 0) {
    const float up = numbers[code] - size, down = size - numbers[code - 1];
    if (down < up || (down == up && code % 2 == 1)) --code;
  }
  return static_cast<std::byte>(code | (std::signbit(value) ? 0x80U : 0U));
}

void to_fp8(Dtype dtype, std::span<const float> values, float scale, std::byte* to) {
  if (dtype == Dtype::kF8E4M3)
    for (std::size_t i = 0; i < values.size(); ++i) to[i] = to_e4m3(values[i] / scale);
  else
    for (std::size_t i = 0; i < values.size(); ++i) to[i] = to_fp8(dtype, values[i] / scale);
}

}  // namespace espalier::formats
