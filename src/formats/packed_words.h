#pragma once

#include <cstring>

#include "formats/scales.h"

/// Integers of 2, 4 or 8 bits in words of 32 (I32), the first in the lowest bits.
namespace espalier::formats {

constexpr std::int64_t kWordBits = 32;

constexpr bool is_packable(std::int64_t bits) {
  return bits == 2 || bits == 4 || bits == 8;
}

/// Integer `i` of words.
inline std::uint32_t packed_integer(std::span<const std::byte> words, std::int64_t bits, std::int64_t i) {
  std::uint32_t word;
  const std::int64_t each = kWordBits / bits;
  std::memcpy(&word, words.data() + i / each * 4, sizeof word);
  return word >> (i % each * bits) & ((1U << bits) - 1);
}

/// A number of I32 or I64.
inline std::int64_t integer_at(Dtype dtype, std::span<const std::byte> bytes, std::size_t i) {
  if (dtype == Dtype::kI32) {
    std::int32_t value;
    std::memcpy(&value, bytes.data() + i * sizeof value, sizeof value);
    return value;
  }
  std::int64_t value;
  std::memcpy(&value, bytes.data() + i * sizeof value, sizeof value);
  return value;
}

/// Integers of which each byte of this value is made of: 0x88 of 4-bit eights.
constexpr std::byte filled_byte(std::int64_t bits, unsigned integer) {
  unsigned byte = 0;
  for (std::int64_t at = 0; at < 8; at += bits) byte |= integer << at;
  return static_cast<std::byte>(byte);
}

/// The group of each input as a part [inputs] of I32 has it, checked to be below `groups`. Throws UserError.
void expect_order(const Part& part, std::int64_t groups);

}  // namespace espalier::formats
