#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "formats/packed_words.h"
#include "formats/vector/rows.h"

// AWQ (Lin et al. 2023, arXiv 2306.00978), version gemm: [inputs, outputs / 8] words of eight outputs in the
// order 0 2 4 6 1 3 5 7; weight = (integer - zero) * scale, zeros as they are, in words alike.

namespace espalier::formats {
namespace {

constexpr std::size_t kScale = 1, kZero = 2;  // parts
constexpr std::int64_t kEach = 8;             // outputs in a word

Shape shape(const StoredTensors& stored) {
  const auto& words = stored.main.shape;
  if (words.size() != 2) return {words.begin(), words.end()};
  return {words[1] * kEach, words[0]};
}

std::int64_t groups_of(const Weight& weight) {
  return ceil_div(weight.columns, weight.block_columns);
}

void bind(const StoredTensors& stored, Weight& weight) {
  expect_axes(stored, 2);
  expect_dtype(stored, stored.main, {Dtype::kI32});
  const std::string& variant = stored.quantization.variant;
  if (stored.quantization.bits != 4 || (variant != "" && variant != "gemm"))
    throw UserError(
        fmt::format(
            "{}: tensor {} is AWQ of {} bits in the layout \"{}\", expected 4 bits in the layout gemm",
            stored.source, stored.main.name, stored.quantization.bits, variant),
        "take a checkpoint in that, or in BF16");
  set_shape(weight, shape(stored));
  const Tensor& scales = companion(stored, kScale, "scales", {Dtype::kF16, Dtype::kBF16, Dtype::kF32});
  const std::int64_t groups = scales.shape.size() == 2 ? scales.shape[0] : 0,
                     said = stored.quantization.group_size;
  expect_shape(stored, scales, {groups, weight.rows}, weight.rows, weight.columns);
  const bool fits = said > 0 && ceil_div(weight.columns, said) == groups;
  if (!fits && (groups < 1 || weight.columns % groups != 0))
    throw UserError(fmt::format("{}: tensor {} has scales of {} groups of the {} inputs of {}", stored.source,
                                scales.name, groups, weight.columns, stored.main.name),
                    "the size of groups is quantization_config.group_size of config.json");
  weight.block_columns = fits ? said : std::max<std::int64_t>(weight.columns / groups, 1);
  expect_shape(stored, companion(stored, kZero, "zero points", {Dtype::kI32}), {groups, weight.rows / kEach},
               weight.rows, weight.columns);
  weight.bits = 4;
  weight.block_rows = std::max<std::int64_t>(weight.rows, 1);
  weight.rows_apart = false;
}

ByteSpan bytes_of_rows(const Weight& weight, std::size_t part, std::int64_t, std::int64_t count) {
  return count == 0 || !weight.parts[part].there ? ByteSpan{} : all_of(weight, part);
}

void check(const Weight& weight, std::int64_t, std::int64_t) {
  expect_scales(weight.parts[kScale], 0, groups_of(weight) * weight.matrix_rows);
}

/// Scales and zeros of the outputs of one word: [groups, 8] each.
void read_groups(const Weight& weight, std::int64_t word, std::vector<float>& scales,
                 std::vector<float>& zeros) {
  constexpr std::int64_t kPlace[kEach] = {0, 4, 1, 5, 2, 6, 3, 7};  // of output 0, 1, .. in its word
  const std::int64_t groups = groups_of(weight), words = weight.matrix_rows / kEach;
  for (std::int64_t g = 0; g < groups; ++g) {
    read_scales(weight.parts[kScale], g * weight.matrix_rows + word * kEach, kEach,
                scales.data() + g * kEach);
    for (std::int64_t o = 0; o < kEach; ++o)
      zeros[static_cast<std::size_t>(g * kEach + o)] = static_cast<float>(
          packed_integer(weight.parts[kZero].bytes, 4, (g * words + word) * kEach + kPlace[o]));
  }
}

void decode_rows(const Weight& weight, std::int64_t first, std::int64_t count, float* to) {
  const auto room = static_cast<std::size_t>(groups_of(weight) * kEach);
  std::vector<float> scales(room), zeros(room), cut;
  const std::int64_t columns = weight.columns, end = first + count;
  for (std::int64_t word = first / kEach; word * kEach < end; ++word) {
    const std::int64_t from = std::max(first, word * kEach), till = std::min(end, (word + 1) * kEach);
    const bool whole = till - from == kEach;
    if (!whole) cut.resize(static_cast<std::size_t>(kEach * columns));
    read_groups(weight, word, scales, zeros);
    row_decoders().word_rows({.words = weight.main().bytes.data() + word * 4,
                              .stride = weight.matrix_rows / kEach,
                              .inputs = columns,
                              .group = weight.block_columns,
                              .scales = scales.data(),
                              .zeros = zeros.data(),
                              .to = whole ? to + (from - first) * columns : cut.data()});
    if (!whole)
      std::copy_n(cut.data() + (from - word * kEach) * columns, (till - from) * columns,
                  to + (from - first) * columns);
  }
}

bool recognises(const StoredTensors& stored) {
  return stored.quantization.method == "awq";
}

}  // namespace

/// Zeros of the integers are zero in a weight of zeros, too, so that each byte is.
WeightFormat awq_format() {
  return {.name = "awq",
          .main = "{module}.qweight",
          .companions = {"{module}.scales", "{module}.qzeros"},
          .describes = {true, false},
          .recognises = recognises,
          .shape = shape,
          .bind = bind,
          .check = check,
          .decode_rows = decode_rows,
          .bytes_of_rows = bytes_of_rows};
}

}  // namespace espalier::formats
