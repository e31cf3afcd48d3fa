#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "formats/fp8_numbers.h"
#include "formats/scales.h"
#include "formats/vector/rows.h"

// FP8 numbers and their scales beside them, as NAME_scale_inv or NAME_scale: weight = number * scale. A scale
// belongs to a block of `weight_block_size`, cut off at the last rows and columns (DeepSeek-V3,
// arXiv 2412.19437, section 3.3); or to a row; or to the whole tensor; or, a power of two in a byte, to 32
// inputs (MXFP8: OCP Microscaling Formats 1.0).

namespace espalier::formats {
namespace {

constexpr std::size_t kScaleInv = 1, kScale = 2, kModuleScale = 5;  // parts
constexpr std::int64_t kMxGroup = 32;

bool recognises(const StoredTensors& stored) {
  return is_fp8(stored.main.dtype);
}

Shape shape(const StoredTensors& stored) {
  return {stored.main.shape.begin(), stored.main.shape.end()};
}

std::size_t scale_part(const Weight& weight) {
  for (const std::size_t part : {kScaleInv, kScale})
    if (weight.parts[part].there) return part;
  return kModuleScale;
}

/// Scales of a row of blocks, and rows of them in a matrix.
std::int64_t blocks_across(const Weight& weight) {
  return ceil_div(weight.columns, weight.block_columns);
}
std::int64_t blocks_down(const Weight& weight) {
  return ceil_div(weight.matrix_rows, weight.block_rows);
}

const Tensor& scales_of(const StoredTensors& stored) {
  for (const std::size_t part : {kScaleInv, kScale, kModuleScale})
    if (stored.part(part)) return *stored.part(part);
  throw UserError(fmt::format("{}: tensor {} is {}, and there are no scales {}_scale_inv beside it",
                              stored.source, stored.main.name, name(stored.main.dtype), stored.main.name),
                  "FP8 numbers are weights only with their scales: fetch the checkpoint anew");
}

/// What shares a scale, by the shape of the scales.
void set_blocks(Weight& weight, const StoredTensors& stored, const Tensor& scales) {
  const auto& shape = scales.shape;
  const std::int64_t matrices = weight.matrix_rows == 0 ? 0 : weight.rows / weight.matrix_rows;
  const bool row_each = shape.size() == 1 && matrices == 1 && shape.back() == weight.rows;
  const bool column_each = shape.size() >= 2 && shape.size() == stored.main.shape.size() &&
                           shape.back() == 1 && shape[shape.size() - 2] == weight.matrix_rows;
  weight.block_columns = std::max<std::int64_t>(weight.columns, 1);
  if (scales.dtype == Dtype::kU8) {
    weight.block_rows = 1;
    weight.block_columns = kMxGroup;
  } else if (scales.elements() == 1) {
    weight.block_rows = weight.matrix_rows = std::max<std::int64_t>(weight.rows, 1);
  } else if (row_each || column_each) {
    weight.block_rows = 1;
  } else {
    weight.block_rows = stored.quantization.block_rows;
    weight.block_columns = stored.quantization.block_columns;
  }
  if ((scales.elements() == 1 && scales.dtype != Dtype::kU8) ||
      scales.elements() == matrices * blocks_down(weight) * blocks_across(weight))
    return;
  throw UserError(fmt::format("{}: tensor {} [{}] does not fit {} [{}] in blocks of {} x {}", stored.source,
                              scales.name, fmt::join(shape, ", "), stored.main.name,
                              fmt::join(stored.main.shape, ", "), weight.block_rows, weight.block_columns),
                  "the size of blocks is quantization_config.weight_block_size of config.json");
}

void bind(const StoredTensors& stored, Weight& weight) {
  const Tensor& scales = scales_of(stored);
  expect_dtype(stored, scales, {Dtype::kF32, Dtype::kBF16, Dtype::kF16, Dtype::kF8E8M0, Dtype::kU8});
  set_shape(weight, stored.main.shape);
  set_blocks(weight, stored, scales);
}

ByteSpan bytes_of_rows(const Weight& weight, std::size_t part, std::int64_t first, std::int64_t count) {
  if (part == 0) {
    const auto row = static_cast<std::size_t>(weight.columns);
    return {static_cast<std::size_t>(first) * row, static_cast<std::size_t>(count) * row};
  }
  if (part != scale_part(weight) || count == 0) return {};
  const auto block_row = [&](std::int64_t row) {
    return row / weight.matrix_rows * blocks_down(weight) + row % weight.matrix_rows / weight.block_rows;
  };
  const std::size_t row =
      static_cast<std::size_t>(blocks_across(weight)) * size_bytes(weight.parts[part].dtype);
  const auto begin = static_cast<std::size_t>(block_row(first)),
             end = static_cast<std::size_t>(block_row(first + count - 1) + 1);
  return {begin * row, (end - begin) * row};
}

void check(const Weight& weight, std::int64_t first, std::int64_t count) {
  expect_scales_of_rows(weight, scale_part(weight), first, count);
}

/// One row of numbers, each times the scale of its block.
void decode_row(const Weight& weight, std::span<const std::byte> numbers, const float* scales, float* to) {
  const std::int64_t columns = weight.columns, block = weight.block_columns;
  if (weight.main().dtype == Dtype::kF8E4M3)
    return row_decoders().fp8({numbers.data(), scales, columns, block, to});
  to_float32(weight.main().dtype, numbers, {to, static_cast<std::size_t>(columns)});
  for (std::int64_t column = 0; column < columns; ++column) to[column] *= scales[column / block];
}

void decode_rows(const Weight& weight, std::int64_t first, std::int64_t count, float* to) {
  const std::size_t part = scale_part(weight), scale_bytes = size_bytes(weight.parts[part].dtype);
  std::vector<float> scales(static_cast<std::size_t>(blocks_across(weight)));
  std::size_t at = std::numeric_limits<std::size_t>::max();  // where the row of scales begins
  for (std::int64_t row = 0; row < count; ++row) {
    const ByteSpan of_row = bytes_of_rows(weight, part, first + row, 1);
    if (of_row.begin != at)
      read_scales(weight.parts[part], static_cast<std::int64_t>(of_row.begin / scale_bytes),
                  static_cast<std::int64_t>(scales.size()), scales.data());
    at = of_row.begin;
    const ByteSpan numbers = bytes_of_rows(weight, 0, first + row, 1);
    decode_row(weight, weight.main().bytes.subspan(numbers.begin, numbers.size), scales.data(),
               to + row * weight.columns);
  }
}

/// A scale of a whole stack is no expert's own, and a scale that is a power of two is not chosen here.
bool can_encode(const Weight& like) {
  const Dtype scales = like.parts[scale_part(like)].dtype;
  return like.rows == like.matrix_rows && scales != Dtype::kU8 && scales != Dtype::kF8E8M0;
}

/// The largest size of the numbers of each block of a row of blocks.
std::vector<float> largest_of_blocks(const Weight& like, std::span<const float> rows) {
  std::vector<float> largest(static_cast<std::size_t>(blocks_across(like)), 0.0F);
  const std::int64_t columns = like.columns;
  for (const float* row = rows.data(); row < rows.data() + rows.size(); row += columns) {
    for (std::int64_t begin = 0; begin < columns; begin += like.block_columns) {
      float& block = largest[static_cast<std::size_t>(begin / like.block_columns)];
      const std::int64_t end = std::min(columns, begin + like.block_columns);
      for (std::int64_t i = begin; i < end; ++i) block = std::max(block, std::fabs(row[i]));
    }
  }
  return largest;
}

/// Of a row of blocks: each block gets the smallest scale that lets its largest number be stored, rounded to
/// the scales' dtype before anything is divided by it. Appends to `to`.
std::vector<float> encode_scales(const Weight& like, std::span<const float> rows,
                                 std::vector<std::byte>& to) {
  std::vector<float> scales = largest_of_blocks(like, rows);
  for (float& scale : scales) {
    scale /= largest_fp8(like.main().dtype);
    if (!(scale > 0)) scale = 1.0F;  // zeros, or numbers too small to be told from them
  }
  const Dtype dtype = like.parts[scale_part(like)].dtype;
  const std::size_t before = to.size();
  to.resize(before + scales.size() * size_bytes(dtype));
  const std::span<std::byte> stored = std::span(to).subspan(before);
  from_float32(dtype, scales, stored);
  to_float32(dtype, stored, scales);
  return scales;
}

StoredRows encode_rows(const Weight& like, std::span<const float> rows) {
  StoredRows result;
  result[0].resize(rows.size());
  const auto step = static_cast<std::size_t>(like.block_rows * like.columns);
  const auto columns = static_cast<std::size_t>(like.columns),
             width = static_cast<std::size_t>(like.block_columns);
  for (std::size_t begin = 0; begin < rows.size(); begin += step) {
    const std::span<const float> block_row = rows.subspan(begin, std::min(step, rows.size() - begin));
    const std::vector<float> scales = encode_scales(like, block_row, result[scale_part(like)]);
    for (std::size_t row = begin; row < begin + block_row.size(); row += columns)
      for (std::size_t column = 0; column < columns; column += width)
        to_fp8(like.main().dtype, rows.subspan(row + column, std::min(width, columns - column)),
               scales[column / width], result[0].data() + row + column);
  }
  return result;
}

}  // namespace

WeightFormat fp8_block_format() {
  return {.name = "fp8_block",
          .main = "{weight}",
          .companions = {"{weight}_scale_inv", "{weight}_scale", "{module}.input_scale",
                         "{module}.activation_scale", "{module}.scale"},
          .describes = {true, true, true, true, true},
          .recognises = recognises,
          .shape = shape,
          .bind = bind,
          .check = check,
          .decode_rows = decode_rows,
          .bytes_of_rows = bytes_of_rows,
          .can_encode = can_encode,
          .encode_rows = encode_rows};
}

Weight fp8_weight(std::span<const std::int64_t> shape) {
  Weight weight;
  for (const WeightFormat& format : weight_formats())
    if (format.bind == bind) weight.format = &format;
  weight.parts[0] = {Dtype::kF8E4M3, {}, true};
  weight.parts[kScaleInv] = {Dtype::kF32, {}, true};
  weight.block_rows = weight.block_columns = 128;
  set_shape(weight, shape);
  return weight;
}

}  // namespace espalier::formats
