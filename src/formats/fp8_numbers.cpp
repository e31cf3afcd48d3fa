#include "formats/fp8_numbers.h"

#include <algorithm>
#include <cmath>
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

}  // namespace espalier::formats
