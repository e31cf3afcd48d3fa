#pragma once

#include <cstddef>
#include <span>

#include "base/dtype.h"

namespace espalier::formats {

/// Largest finite number: 448 (E4M3), 57344 (E5M2).
float largest_fp8(Dtype dtype);
/// The nearest FP8 number, ties to even; beyond the largest: that. NaN stays NaN.
std::byte to_fp8(Dtype dtype, float value);
/// The same of each value / scale.
void to_fp8(Dtype dtype, std::span<const float> values, float scale, std::byte* to);

}  // namespace espalier::formats
