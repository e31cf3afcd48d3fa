#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "formats/packed_words.h"
#include "formats/vector/rows.h"

// compressed-tensors, pack-quantized: integers in words along the inputs, each with half of their range
// added; weight = (integer - zero) * scale. A scale (and zero) is shared by a group of inputs, or by a row.
// Zeros are packed along the outputs. `weight_g_idx` says the group of each input where they are in no order.

namespace espalier::formats {
namespace {

constexpr std::size_t kScale = 1, kShape = 2, kZero = 3, kOrder = 4;  // parts
constexpr std::int8_t kItself[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

std::int64_t words_for(std::int64_t columns, std::int64_t bits) {
  return ceil_div(columns * bits, kWordBits);
}

/// What `weight_shape` says: [rows, columns]; nothing where it is no two sizes.
std::optional<Shape> said_shape(const StoredTensors& stored) {
  const auto& shape = stored.part(kShape);
  if (!shape || shape->elements() != 2 || (shape->dtype != Dtype::kI32 && shape->dtype != Dtype::kI64))
    return std::nullopt;
  return Shape{integer_at(shape->dtype, shape->bytes, 0), integer_at(shape->dtype, shape->bytes, 1)};
}

/// Bits of an integer that make `columns` fill the words of a row: as config.json says, or else as they fit.
std::int64_t bits_for(const StoredTensors& stored, std::int64_t columns) {
  for (const std::int64_t bits :
       {stored.quantization.bits, std::int64_t{4}, std::int64_t{8}, std::int64_t{2}})
    if (is_packable(bits) && words_for(columns, bits) == stored.main.shape.back()) return bits;
  return 0;
}

bool fits(const StoredTensors& stored, const Shape& said) {
  constexpr std::int64_t kMost = std::int64_t{1} << 40;
  return stored.main.shape.size() == 2 && said[0] == stored.main.shape[0] && said[1] >= 0 &&
         said[1] < kMost && bits_for(stored, said[1]) != 0;
}

Shape shape(const StoredTensors& stored) {
  const auto said = said_shape(stored);
  if (said && fits(stored, *said)) return *said;
  Shape result(stored.main.shape.begin(), stored.main.shape.end());
  const std::int64_t word = 8 * static_cast<std::int64_t>(size_bytes(stored.main.dtype));
  if (!result.empty()) result.back() *= word / stored.quantization.bits;
  return result;
}

std::int64_t groups_of(const Weight& weight) {
  return ceil_div(weight.columns, weight.block_columns);
}

/// Inputs that share a scale, where a row has so many scales.
std::int64_t group_for(const StoredTensors& stored, const Weight& weight, std::int64_t groups) {
  const std::int64_t said = stored.quantization.group_size;
  if (groups == 1 || weight.columns == 0) return std::max<std::int64_t>(weight.columns, 1);
  if (said > 0 && ceil_div(weight.columns, said) == groups) return said;
  return groups > 0 && weight.columns % groups == 0 ? weight.columns / groups : 0;
}

void bind_shape(const StoredTensors& stored, Weight& weight) {
  expect_axes(stored, 2);
  const Tensor& tensor = companion(stored, kShape, "shape", {Dtype::kI32, Dtype::kI64});
  expect_dtype(stored, stored.main, {Dtype::kI32});
  const auto said = said_shape(stored);
  if (!said || !fits(stored, *said)) {
    throw UserError(
        fmt::format("{}: tensor {} is [{}], which does not hold the [{}] that {} says, in 2, 4 or 8 bits",
                    stored.source, stored.main.name, fmt::join(stored.main.shape, ", "),
                    said ? fmt::format("{}", fmt::join(*said, ", ")) : "..", tensor.name),
        "the files are damaged, or were written wrongly: fetch the checkpoint anew");
  }
  set_shape(weight, *said);
  weight.bits = bits_for(stored, weight.columns);
}

void bind_zeros(const StoredTensors& stored, Weight& weight, std::int64_t groups) {
  if (!stored.part(kZero)) return;
  const Tensor& zeros = companion(stored, kZero, "zero points", {Dtype::kI32});
  expect_shape(stored, zeros, {words_for(weight.rows, weight.bits), groups}, weight.rows, weight.columns);
  weight.block_rows = std::max<std::int64_t>(weight.rows, 1);
  weight.rows_apart = false;  // zeros of several rows are in one word
}

void bind(const StoredTensors& stored, Weight& weight) {
  bind_shape(stored, weight);
  const Tensor& scales = companion(stored, kScale, "scales", {Dtype::kBF16, Dtype::kF16, Dtype::kF32});
  const std::int64_t groups = scales.shape.size() == 2 ? scales.shape[1] : 1;
  weight.block_columns = group_for(stored, weight, groups);
  if (weight.block_columns == 0)
    throw UserError(
        fmt::format("{}: tensor {} is [{}], which are no equal groups of the {} inputs of {}", stored.source,
                    scales.name, fmt::join(scales.shape, ", "), weight.columns, stored.main.name),
        "the size of groups is group_size of config.json's config_groups");
  expect_shape(stored, scales, {weight.rows, groups}, weight.rows, weight.columns);
  bind_zeros(stored, weight, groups);
  if (!stored.part(kOrder)) return;
  const Tensor& order = companion(stored, kOrder, "order of inputs", {Dtype::kI32});
  expect_shape(stored, order, {weight.columns}, weight.rows, weight.columns);
}

ByteSpan bytes_of_rows(const Weight& weight, std::size_t part, std::int64_t first, std::int64_t count) {
  if (!weight.parts[part].there || count == 0) return {};
  if (part == 0) return rows_of(4 * words_for(weight.columns, weight.bits), first, count);
  if (part == kShape) return {0, 2 * size_bytes(weight.parts[part].dtype)};
  if (part != kScale) return all_of(weight, part);
  return rows_of(groups_of(weight) * static_cast<std::int64_t>(size_bytes(weight.parts[part].dtype)), first,
                 count);
}

void check(const Weight& weight, std::int64_t first, std::int64_t count) {
  expect_scales_of_rows(weight, kScale, first, count);
  if (weight.parts[kOrder].there) expect_order(weight.parts[kOrder], groups_of(weight));
}

/// What is taken off the integers of a row, by groups.
void read_zeros(const Weight& weight, std::int64_t row, std::span<float> zeros) {
  const auto groups = static_cast<std::int64_t>(zeros.size());
  for (std::int64_t g = 0; g < groups; ++g) {
    if (!weight.parts[kZero].there) {
      zeros[static_cast<std::size_t>(g)] = static_cast<float>(1 << (weight.bits - 1));
      continue;
    }
    const std::int64_t each = kWordBits / weight.bits;
    const std::int64_t at = (row / each * groups + g) * each + row % each;
    zeros[static_cast<std::size_t>(g)] =
        static_cast<float>(packed_integer(weight.parts[kZero].bytes, weight.bits, at));
  }
}

void decode_row(const Weight& weight, std::span<const std::byte> codes, std::span<const float> scales,
                std::span<const float> zeros, float* to) {
  const Part& order = weight.parts[kOrder];
  if (weight.bits == 4 && !order.there) {
    return row_decoders().nibbles({.codes = codes.data(),
                                   .table = kItself,
                                   .scales = scales.data(),
                                   .zeros = zeros.data(),
                                   .columns = weight.columns,
                                   .group = weight.block_columns,
                                   .to = to});
  }
  for (std::int64_t i = 0; i < weight.columns; ++i) {
    const std::int64_t group = order.there ? integer_at(Dtype::kI32, order.bytes, static_cast<std::size_t>(i))
                                           : i / weight.block_columns;
    const auto g = static_cast<std::size_t>(group);
    to[i] = (static_cast<float>(packed_integer(codes, weight.bits, i)) - zeros[g]) * scales[g];
  }
}

void decode_rows(const Weight& weight, std::int64_t first, std::int64_t count, float* to) {
  const std::int64_t groups = groups_of(weight);
  std::vector<float> scales(static_cast<std::size_t>(groups)), zeros(scales.size());
  for (std::int64_t row = first; row < first + count; ++row) {
    read_scales(weight.parts[kScale], row * groups, groups, scales.data());
    read_zeros(weight, row, zeros);
    const ByteSpan codes = bytes_of_rows(weight, 0, row, 1);
    decode_row(weight, weight.main().bytes.subspan(codes.begin, codes.size), scales, zeros,
               to + (row - first) * weight.columns);
  }
}

/// Rows with zeros of their own share words; an order of inputs is each expert's own.
bool can_encode(const Weight& like) {
  return !like.parts[kZero].there && !like.parts[kOrder].there;
}

/// A scale of a group, and what it costs.
struct Fit {
  float scale = 1;
  double cost = 0;
};

float code_of(float value, float scale, float half) {
  return std::clamp(std::nearbyint(value / scale), -half, half - 1);
}

Fit fit_of(std::span<const float> group, float scale, Dtype dtype, float half) {
  std::array<std::byte, sizeof(float)> stored;
  const auto bytes = std::span(stored).first(size_bytes(dtype));
  from_float32(dtype, {&scale, 1}, bytes);
  to_float32(dtype, bytes, {&scale, 1});
  Fit fit{scale == 0 ? 1.0F : scale, 0};
  for (const float value : group) {
    const double off = static_cast<double>(value - code_of(value, fit.scale, half) * fit.scale);
    fit.cost += off * off;
  }
  return fit;
}

/// The largest number takes the last code of the longer side (by a negative scale, if it is positive), or of
/// the shorter one: whichever loses less.
Fit best_fit(std::span<const float> group, Dtype dtype, float half) {
  float largest = 0;
  for (const float value : group)
    if (std::fabs(value) > std::fabs(largest)) largest = value;
  if (largest == 0) return {};
  const Fit wide = fit_of(group, -largest / half, dtype, half),
            narrow = fit_of(group, std::fabs(largest) / (half - 1), dtype, half);
  return wide.cost < narrow.cost ? wide : narrow;
}

StoredRows encode_rows(const Weight& like, std::span<const float> rows) {
  StoredRows result;
  const auto columns = static_cast<std::size_t>(like.columns),
             step = static_cast<std::size_t>(like.block_columns);
  const auto row_bytes = static_cast<std::size_t>(4 * words_for(like.columns, like.bits));
  const auto half = static_cast<float>(1 << (like.bits - 1));
  const Part& scales = like.parts[kScale];
  result[0].resize(columns == 0 ? 0 : rows.size() / columns * row_bytes);
  for (std::size_t row = 0; row * columns < rows.size(); ++row) {
    for (std::size_t begin = 0; begin < columns; begin += step) {
      const auto group = rows.subspan(row * columns + begin, std::min(step, columns - begin));
      const Fit fit = best_fit(group, scales.dtype, half);
      result[kScale].resize(result[kScale].size() + size_bytes(scales.dtype));
      from_float32(scales.dtype, {&fit.scale, 1}, std::span(result[kScale]).last(size_bytes(scales.dtype)));
      for (std::size_t i = 0; i < group.size(); ++i) {
        const auto code = static_cast<unsigned>(code_of(group[i], fit.scale, half) + half);
        const std::size_t bit = (begin + i) * static_cast<std::size_t>(like.bits);
        result[0][row * row_bytes + bit / 8] |= static_cast<std::byte>(code << (bit % 8));
      }
    }
  }
  for (const std::int64_t size : {like.matrix_rows, like.columns})
    for (std::size_t byte = 0; byte < size_bytes(like.parts[kShape].dtype); ++byte)
      result[kShape].push_back(static_cast<std::byte>(size >> (8 * byte) & 255));
  return result;
}

std::byte zero(const Weight& weight, std::size_t part) {
  if (part != 0 || weight.parts[kZero].there) return std::byte{0};  // then zeros are zero, too
  return filled_byte(weight.bits, 1U << (weight.bits - 1));
}

bool recognises(const StoredTensors& stored) {
  return stored.main.dtype != Dtype::kU8;
}

}  // namespace

WeightFormat packed_integers_format() {
  return {.name = "packed_integers",
          .main = "{weight}_packed",
          .companions = {"{weight}_scale", "{weight}_shape", "{weight}_zero_point", "{weight}_g_idx"},
          .describes = {true, true, false, true},
          .recognises = recognises,
          .shape = shape,
          .bind = bind,
          .check = check,
          .decode_rows = decode_rows,
          .bytes_of_rows = bytes_of_rows,
          .zero = zero,
          .can_encode = can_encode,
          .encode_rows = encode_rows};
}

}  // namespace espalier::formats
