#pragma once

#include <cstddef>
#include <cstdint>

#include "base/instruction_set.h"

/// The loops that decode rows of weights, once for each instruction set. Every number is made of exact steps
/// and one rounding for each product or quotient, so that all of them give the same bits. Bytes may lie at
/// any address; no function throws.
namespace espalier::formats {

/// FP8 E4M3: to[i] = number(codes[i]) * scales[i / block].
struct Fp8Row {
  const std::byte* codes;  // [columns]
  const float* scales;     // [ceil(columns / block)]
  std::int64_t columns, block;
  float* to;  // [columns]
};

/// Two codes in a byte, the low half first: to[i] = (table[code] - zeros[g]) * scales[g] * times / over,
/// where g is i / group. The first product must be exact.
struct NibbleRow {
  const std::byte* codes;    // [ceil(columns / 2)]
  const std::int8_t* table;  // [16]
  const float* scales;       // [ceil(columns / group)]
  const float* zeros;        // as many, whole numbers
  std::int64_t columns, group;
  float times = 1, over = 1;  // at most one of them is another number
  float* to;                  // [columns]
};

/// Rows of words that each hold 32 / bits numbers of one output (GPTQ): number k of words[r * stride + o] is
/// input r * (32 / bits) + k of output o. to[o, i] = (number - zeros[o, g]) * scales[o, g], g = group_of[i].
struct WordColumns {
  const std::byte* words;  // uint32 [inputs * bits / 32, stride], from the first output on
  std::int64_t stride, outputs, inputs, bits;
  const float* scales;           // [outputs, groups]
  const float* zeros;            // [outputs, groups]
  const std::int32_t* group_of;  // [inputs], each below `groups`
  std::int64_t groups;
  bool word_each_group;  // all numbers of a word are of one group
  float* to;             // [outputs, inputs]
};

/// Rows of words that each hold eight outputs of one input, in the order 0 2 4 6 1 3 5 7 (AWQ):
/// to[o, i] = (number - zeros[g, o]) * scales[g, o], g = i / group. Eight outputs, those of one word.
struct WordRows {
  const std::byte* words;  // uint32 [inputs, stride], from the word on
  std::int64_t stride, inputs, group;
  const float* scales;  // [groups, 8]
  const float* zeros;   // [groups, 8]
  float* to;            // [8, inputs]
};

struct RowDecoders {
  void (*fp8)(const Fp8Row&);
  void (*nibbles)(const NibbleRow&);
  void (*word_columns)(const WordColumns&);
  void (*word_rows)(const WordRows&);
};

/// Of an instruction set that this machine runs.
const RowDecoders& row_decoders(InstructionSet set);
/// Of the one that was chosen (base/instruction_set.h).
const RowDecoders& row_decoders();

extern const RowDecoders kBaselineRows;
#if defined(__x86_64__)
extern const RowDecoders kAvx2Rows, kAvx512Rows;
#endif

}  // namespace espalier::formats
