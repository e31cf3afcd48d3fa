#include "formats/vector/rows.h"

#include "formats/vector/row_parts.h"

namespace espalier::formats {
namespace {

void fp8(const Fp8Row& row) {
  for (std::int64_t begin = 0; begin < row.columns; begin += row.block)
    fp8_numbers(row, begin, std::min(row.columns, begin + row.block), row.scales[begin / row.block]);
}

void nibbles(const NibbleRow& row) {
  for (std::int64_t i = 0; i < row.columns; ++i)
    row.to[i] = nibble_number(row, i, row.scales[i / row.group], row.zeros[i / row.group]);
}

void word_columns(const WordColumns& op) {
  const std::int64_t rows = op.inputs * op.bits / 32;
  for (std::int64_t o = 0; o < op.outputs; ++o)
    for (std::int64_t r = 0; r < rows; ++r) word_column(op, r, o);
}

void word_rows(const WordRows& op) {
  for (std::int64_t i = 0; i < op.inputs; ++i) word_row(op, i);
}

}  // namespace

constinit const RowDecoders kBaselineRows{fp8, nibbles, word_columns, word_rows};

const RowDecoders& row_decoders(InstructionSet set) {
#if defined(__x86_64__)
  if (set == InstructionSet::kAvx512) return kAvx512Rows;
  if (set == InstructionSet::kAvx2) return kAvx2Rows;
#endif
  return kBaselineRows;
}

const RowDecoders& row_decoders() {
  static const RowDecoders& chosen = row_decoders(instruction_set());
  return chosen;
}

}  // namespace espalier::formats
