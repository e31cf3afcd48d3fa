#pragma once

#include <algorithm>
#include <cstring>

#include "base/dtype.h"
#include "formats/vector/rows.h"

/// One number at a time: the definition of each decoder, and the ends of rows that no vector holds.
namespace espalier::formats {

inline std::uint32_t load_word(const std::byte* words, std::int64_t i) {
  std::uint32_t word;
  std::memcpy(&word, words + i * 4, sizeof word);
  return word;
}

inline void fp8_numbers(const Fp8Row& row, std::int64_t begin, std::int64_t end, float scale) {
  to_float32(Dtype::kF8E4M3, {row.codes + begin, static_cast<std::size_t>(end - begin)},
             {row.to + begin, static_cast<std::size_t>(end - begin)});
  for (std::int64_t i = begin; i < end; ++i) row.to[i] *= scale;
}

inline float nibble_number(const NibbleRow& row, std::int64_t i, float scale, float zero) {
  const int byte = static_cast<int>(row.codes[i / 2]), code = i % 2 == 0 ? byte & 15 : byte >> 4;
  return (static_cast<float>(row.table[code]) - zero) * scale * row.times / row.over;
}

/// Inputs of one word of one output.
inline void word_column(const WordColumns& op, std::int64_t r, std::int64_t o) {
  const std::int64_t each = 32 / op.bits;
  const std::uint32_t word = load_word(op.words, r * op.stride + o), mask = (1U << op.bits) - 1;
  for (std::int64_t k = 0; k < each; ++k) {
    const std::int64_t i = r * each + k, at = o * op.groups + op.group_of[i];
    const auto number = static_cast<float>(word >> (k * op.bits) & mask);
    op.to[o * op.inputs + i] = (number - op.zeros[at]) * op.scales[at];
  }
}

constexpr int kAwqShift[8] = {0, 16, 4, 20, 8, 24, 12, 28};  // of output 0, 1, ..

inline void word_row(const WordRows& op, std::int64_t i) {
  const std::uint32_t word = load_word(op.words, i * op.stride);
  for (std::int64_t o = 0; o < 8; ++o) {
    const auto number = static_cast<float>(word >> kAwqShift[o] & 15);
    const std::int64_t at = i / op.group * 8 + o;
    op.to[o * op.inputs + i] = (number - op.zeros[at]) * op.scales[at];
  }
}

}  // namespace espalier::formats
