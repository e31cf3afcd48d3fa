#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "formats/packed_words.h"
#include "formats/vector/rows.h"

// GPTQ (Frantar et al. 2022, arXiv 2210.17323) as AutoGPTQ and GPTQModel store it: words along the inputs,
// turned: [inputs * bits / 32, outputs]; weight = (integer - zero) * scale, scales and zeros by groups of
// inputs. Version 1 stores zeros less one. `g_idx` says the group of each input, which with act-order is in
// no order.

namespace espalier::formats {
namespace {

constexpr std::size_t kScale = 1, kZero = 2, kOrder = 3;  // parts

/// Bits of an integer: by the order's length where it is there (some modules may have other bits), else as
/// config.json says; 0 where neither fits.
std::int64_t bits_of(const StoredTensors& stored) {
  const auto& order = stored.part(kOrder);
  if (!order || stored.main.shape.size() != 2) return stored.quantization.bits;
  for (const std::int64_t bits :
       {stored.quantization.bits, std::int64_t{4}, std::int64_t{8}, std::int64_t{2}})
    if (is_packable(bits) && order->elements() * bits == stored.main.shape[0] * kWordBits) return bits;
  return 0;
}

Shape shape(const StoredTensors& stored) {
  const auto& words = stored.main.shape;
  if (words.size() != 2) return {words.begin(), words.end()};
  const std::int64_t bits = bits_of(stored);
  return {words[1], words[0] * (kWordBits / (bits == 0 ? stored.quantization.bits : bits))};
}

std::int64_t groups_of(const Weight& weight) {
  return ceil_div(weight.columns, weight.block_columns);
}

void bind_groups(const StoredTensors& stored, Weight& weight, std::int64_t groups) {
  const std::int64_t said = stored.quantization.group_size;
  const bool fits = said > 0 && ceil_div(weight.columns, said) == groups;
  if (!fits && (groups < 1 || weight.columns % groups != 0))
    throw UserError(fmt::format("{}: tensor {} has scales of {} groups of the {} inputs of {}", stored.source,
                                stored.part(kScale)->name, groups, weight.columns, stored.main.name),
                    "the size of groups is quantization_config.group_size of config.json");
  weight.block_columns = fits ? said : std::max<std::int64_t>(weight.columns / groups, 1);
}

void bind(const StoredTensors& stored, Weight& weight) {
  expect_axes(stored, 2);
  expect_dtype(stored, stored.main, {Dtype::kI32});
  const std::string& variant = stored.quantization.variant;
  weight.bits = bits_of(stored);
  if (!is_packable(weight.bits) || (variant != "" && variant != "gptq" && variant != "gptq_v2"))
    throw UserError(
        fmt::format("{}: tensor {} is GPTQ of {} bits in the layout \"{}\", expected 2, 4 or 8 bits in the "
                    "layout gptq or gptq_v2",
                    stored.source, stored.main.name, stored.quantization.bits, variant),
        "take a checkpoint in one of these, or in BF16");
  weight.zero_added = variant == "gptq_v2" ? 0 : 1;
  const Shape stands_for = shape(stored);
  set_shape(weight, stands_for);
  const Tensor& scales = companion(stored, kScale, "scales", {Dtype::kF16, Dtype::kBF16, Dtype::kF32});
  const std::int64_t groups = scales.shape.size() == 2 ? scales.shape[0] : 0;
  expect_shape(stored, scales, {groups, weight.rows}, weight.rows, weight.columns);
  bind_groups(stored, weight, groups);
  expect_shape(stored, companion(stored, kZero, "zero points", {Dtype::kI32}),
               {groups, ceil_div(weight.rows * weight.bits, kWordBits)}, weight.rows, weight.columns);
  if (stored.part(kOrder))
    expect_shape(stored, companion(stored, kOrder, "order of inputs", {Dtype::kI32}), {weight.columns},
                 weight.rows, weight.columns);
  weight.block_rows = std::max<std::int64_t>(weight.rows, 1);
  weight.rows_apart = false;
}

ByteSpan bytes_of_rows(const Weight& weight, std::size_t part, std::int64_t, std::int64_t count) {
  return count == 0 || !weight.parts[part].there ? ByteSpan{} : all_of(weight, part);
}

void check(const Weight& weight, std::int64_t, std::int64_t) {
  expect_scales(weight.parts[kScale], 0, groups_of(weight) * weight.matrix_rows);
  if (weight.parts[kOrder].there) expect_order(weight.parts[kOrder], groups_of(weight));
}

/// Scales and zeros of `count` outputs: [count, groups] each.
struct Groups {
  std::vector<float> scales, zeros;
};

Groups groups_of_rows(const Weight& weight, std::int64_t first, std::int64_t count) {
  const std::int64_t groups = groups_of(weight), outputs = weight.matrix_rows;
  const std::int64_t each = kWordBits / weight.bits, zero_words = ceil_div(outputs, each);
  const std::uint32_t mask = (1U << weight.bits) - 1;
  Groups result;
  result.scales.resize(static_cast<std::size_t>(count * groups));
  result.zeros.resize(result.scales.size());
  std::vector<float> row(static_cast<std::size_t>(count));
  for (std::int64_t g = 0; g < groups; ++g) {
    read_scales(weight.parts[kScale], g * outputs + first, count, row.data());
    for (std::int64_t o = 0; o < count; ++o) {
      const auto at = static_cast<std::size_t>(o * groups + g);
      const std::uint32_t zero =
          packed_integer(weight.parts[kZero].bytes, weight.bits, g * zero_words * each + first + o);
      result.scales[at] = row[static_cast<std::size_t>(o)];
      result.zeros[at] = static_cast<float>((zero + static_cast<std::uint32_t>(weight.zero_added)) & mask);
    }
  }
  return result;
}

std::vector<std::int32_t> group_of_inputs(const Weight& weight) {
  std::vector<std::int32_t> groups(static_cast<std::size_t>(weight.columns));
  const Part& order = weight.parts[kOrder];
  if (order.there && !groups.empty()) std::memcpy(groups.data(), order.bytes.data(), order.bytes.size());
  for (std::size_t i = 0; !order.there && i < groups.size(); ++i)
    groups[i] = static_cast<std::int32_t>(static_cast<std::int64_t>(i) / weight.block_columns);
  return groups;
}

bool changes_between_words(const std::vector<std::int32_t>& groups, std::int64_t each) {
  for (std::size_t i = 1; i < groups.size(); ++i)
    if (groups[i] != groups[i - 1] && static_cast<std::int64_t>(i) % each != 0) return false;
  return true;
}

void decode_rows(const Weight& weight, std::int64_t first, std::int64_t count, float* to) {
  if (count == 0 || weight.columns == 0) return;
  const Groups groups = groups_of_rows(weight, first, count);
  const std::vector<std::int32_t> group_of = group_of_inputs(weight);
  row_decoders().word_columns({.words = weight.main().bytes.data() + first * 4,
                               .stride = weight.matrix_rows,
                               .outputs = count,
                               .inputs = weight.columns,
                               .bits = weight.bits,
                               .scales = groups.scales.data(),
                               .zeros = groups.zeros.data(),
                               .group_of = group_of.data(),
                               .groups = groups_of(weight),
                               .word_each_group = changes_between_words(group_of, kWordBits / weight.bits),
                               .to = to});
}

/// Zeros are stored as zero, too.
std::byte zero(const Weight& weight, std::size_t part) {
  return part == 0 ? filled_byte(weight.bits, static_cast<unsigned>(weight.zero_added)) : std::byte{0};
}

bool recognises(const StoredTensors& stored) {
  return stored.quantization.method != "awq";
}

}  // namespace

WeightFormat gptq_format() {
  return {.name = "gptq",
          .main = "{module}.qweight",
          .companions = {"{module}.scales", "{module}.qzeros", "{module}.g_idx"},
          .describes = {true, false, true},
          .recognises = recognises,
          .shape = shape,
          .bind = bind,
          .check = check,
          .decode_rows = decode_rows,
          .bytes_of_rows = bytes_of_rows,
          .zero = zero};
}

}  // namespace espalier::formats
