#pragma once

#include <algorithm>
#include <cmath>

#include "unit/formats/memory_tensors.h"

namespace espalier::formats {

/// A weight "w.weight" in one format, and what it stands for by plain loops in float64.
struct FormatCase {
  std::string name;    ///< unique, a word
  std::string format;  ///< of weight_formats()
  MemoryTensors tensors;
  std::int64_t rows = 0, columns = 0;
  std::vector<double> values;  ///< [rows, columns]; empty: the format is counted only
  std::string needed = {};     ///< a companion without which it cannot be read
};

inline std::vector<float> random_floats(std::size_t count, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values;
  for (std::size_t i = 0; i < count; ++i) values.push_back(static_cast<float>(rng.normal()));
  return values;
}

/// What an FP8 number with `fraction_bits` means, from the definition.
inline double fp8_meaning(std::byte byte, int fraction_bits) {
  const int bits = static_cast<int>(byte), bias = (1 << (6 - fraction_bits)) - 1;
  const int exponent = (bits & 0x7f) >> fraction_bits, fraction = bits & ((1 << fraction_bits) - 1);
  const double significand = exponent == 0 ? fraction : fraction + (1 << fraction_bits);
  const double value = std::ldexp(significand, std::max(exponent, 1) - bias - fraction_bits);
  return (bits & 0x80) != 0 ? -value : value;
}

}  // namespace espalier::formats
