#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "formats/fp8_numbers.h"
#include "formats/weight_format.h"

// FP8 numbers and their scales beside them, as NAME_scale_inv or NAME_scale: weight = number * scale. A scale
// belongs to a block of `weight_block_size`, cut off at the last rows and columns (DeepSeek-V3,
// arXiv 2412.19437, section 3.3); or to a row; or to the whole tensor.

namespace espalier::formats {
namespace {

constexpr std::size_t kScaleInv = 1, kScale = 2;  // parts

std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

bool recognises(const StoredTensors& stored) {
  return is_fp8(stored.main.dtype);
}

std::int64_t count(const StoredTensors& stored) {
  return stored.main.elements();
}

std::size_t scale_part(const Weight& weight) {
  return weight.parts[kScaleInv].there ? kScaleInv : kScale;
}

/// Scales of a row of blocks, and rows of them in a matrix.
std::int64_t blocks_across(const Weight& weight) {
  return ceil_div(weight.columns, weight.block_columns);
}
std::int64_t blocks_down(const Weight& weight) {
  return ceil_div(weight.matrix_rows, weight.block_rows);
}

const Tensor& scales_of(const StoredTensors& stored) {
  for (const std::size_t part : {kScaleInv, kScale}) {
    const auto& companion = stored.companions[part - 1];
    if (companion) return *companion;
  }
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
  if (scales.elements() == 1) {
    weight.block_rows = weight.matrix_rows = std::max<std::int64_t>(weight.rows, 1);
  } else if (row_each || column_each) {
    weight.block_rows = 1;
  } else {
    weight.block_rows = stored.quantization.block_rows;
    weight.block_columns = stored.quantization.block_columns;
  }
  if (scales.elements() == 1 || scales.elements() == matrices * blocks_down(weight) * blocks_across(weight))
    return;
  throw UserError(fmt::format("{}: tensor {} [{}] does not fit {} [{}] in blocks of {} x {}", stored.source,
                              scales.name, fmt::join(shape, ", "), stored.main.name,
                              fmt::join(stored.main.shape, ", "), weight.block_rows, weight.block_columns),
                  "the size of blocks is quantization_config.weight_block_size of config.json");
}

void bind(const StoredTensors& stored, Weight& weight) {
  const Tensor& scales = scales_of(stored);
  if (!is_float(scales.dtype) || is_fp8(scales.dtype)) {
    throw UserError(fmt::format("{}: tensor {} is {}, expected scales in F32, BF16 or F16", stored.source,
                                scales.name, name(scales.dtype)),
                    "convert the checkpoint again with float scales, or take it from where it came");
  }
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

/// One row of numbers, each times the scale of its block.
void scale_row(float* row, const float* scales, std::int64_t columns, std::int64_t block_columns) {
  for (std::int64_t begin = 0; begin < columns; begin += block_columns) {
    const float scale = scales[begin / block_columns];
    const std::int64_t end = std::min(columns, begin + block_columns);
    for (std::int64_t column = begin; column < end; ++column) row[column] *= scale;
  }
}

void decode_rows(const Weight& weight, std::int64_t first, std::int64_t count, float* to) {
  const std::int64_t columns = weight.columns;
  const Part& scale_bytes = weight.parts[scale_part(weight)];
  std::vector<float> scales(static_cast<std::size_t>(blocks_across(weight)));
  std::size_t at = std::numeric_limits<std::size_t>::max();  // where the row of scales begins
  for (std::int64_t row = 0; row < count; ++row) {
    const ByteSpan of_row = bytes_of_rows(weight, scale_part(weight), first + row, 1);
    if (of_row.begin != at)
      to_float32(scale_bytes.dtype, scale_bytes.bytes.subspan(of_row.begin, of_row.size), scales);
    at = of_row.begin;
    const ByteSpan numbers = bytes_of_rows(weight, 0, first + row, 1);
    float* out = to + row * columns;
    to_float32(weight.main().dtype, weight.main().bytes.subspan(numbers.begin, numbers.size),
               {out, static_cast<std::size_t>(columns)});
    scale_row(out, scales.data(), columns, weight.block_columns);
  }
}

bool can_encode(const Weight& like) {
  return like.rows == like.matrix_rows;  // a scale of a whole stack is no expert's own
}

std::size_t block_of(const Weight& like, std::size_t i) {
  return i % static_cast<std::size_t>(like.columns) / static_cast<std::size_t>(like.block_columns);
}

/// Of a row of blocks: each block gets the smallest scale that lets its largest number be stored, rounded to
/// the scales' dtype before anything is divided by it. Appends to `to`.
std::vector<float> encode_scales(const Weight& like, std::span<const float> rows,
                                 std::vector<std::byte>& to) {
  std::vector<float> scales(static_cast<std::size_t>(blocks_across(like)), 0.0F);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    float& largest = scales[block_of(like, i)];
    largest = std::max(largest, std::fabs(rows[i]));
  }
  for (float& scale : scales) scale = scale > 0 ? scale / largest_fp8(like.main().dtype) : 1.0F;
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
  result[0].reserve(rows.size());
  const auto step = static_cast<std::size_t>(like.block_rows * like.columns);
  for (std::size_t begin = 0; begin < rows.size(); begin += step) {
    const std::span<const float> block_row = rows.subspan(begin, std::min(step, rows.size() - begin));
    const std::vector<float> scales = encode_scales(like, block_row, result[scale_part(like)]);
    for (std::size_t i = 0; i < block_row.size(); ++i)
      result[0].push_back(to_fp8(like.main().dtype, block_row[i] / scales[block_of(like, i)]));
  }
  return result;
}

}  // namespace

WeightFormat fp8_block_format() {
  return {.name = "fp8_block",
          .main = "{weight}",
          .companions = {"{weight}_scale_inv", "{weight}_scale", "{module}.input_scale",
                         "{module}.activation_scale"},
          .recognises = recognises,
          .count = count,
          .bind = bind,
          .decode_rows = decode_rows,
          .bytes_of_rows = bytes_of_rows,
          .can_encode = can_encode,
          .encode_rows = encode_rows};
}

}  // namespace espalier::formats
