#include <fmt/format.h>

#include "base/error.h"
#include "formats/weight_format.h"

// Numbers of one dtype, row after row, each as it is meant.

namespace espalier::formats {
namespace {

bool recognises(const StoredTensors&) {
  return true;
}

Shape shape(const StoredTensors& stored) {
  return {stored.main.shape.begin(), stored.main.shape.end()};
}

void bind(const StoredTensors& stored, Weight& weight) {
  set_shape(weight, stored.main.shape);
}

ByteSpan bytes_of_rows(const Weight& weight, std::size_t part, std::int64_t first, std::int64_t count) {
  if (part != 0) return {};
  const std::size_t row = static_cast<std::size_t>(weight.columns) * size_bytes(weight.main().dtype);
  return {static_cast<std::size_t>(first) * row, static_cast<std::size_t>(count) * row};
}

void decode_rows(const Weight& weight, std::int64_t first, std::int64_t count, float* to) {
  const Dtype dtype = weight.main().dtype;
  if (!is_float(dtype)) {
    throw UserError(fmt::format("tensor {} is {}, expected floating-point weights", weight.name, name(dtype)),
                    "take a checkpoint that is not quantised to integers; a plan made with it fits both");
  }
  const ByteSpan span = bytes_of_rows(weight, 0, first, count);
  to_float32(dtype, weight.main().bytes.subspan(span.begin, span.size),
             {to, static_cast<std::size_t>(count * weight.columns)});
}

bool can_encode(const Weight& like) {
  const Dtype dtype = like.main().dtype;
  return dtype == Dtype::kF32 || dtype == Dtype::kBF16 || dtype == Dtype::kF16;
}

StoredRows encode_rows(const Weight& like, std::span<const float> rows) {
  StoredRows result;
  result[0].resize(rows.size() * size_bytes(like.main().dtype));
  from_float32(like.main().dtype, rows, result[0]);
  return result;
}

}  // namespace

WeightFormat dense_format() {
  return {.name = "dense",
          .main = "{weight}",
          .companions = {},
          .recognises = recognises,
          .shape = shape,
          .bind = bind,
          .decode_rows = decode_rows,
          .bytes_of_rows = bytes_of_rows,
          .can_encode = can_encode,
          .encode_rows = encode_rows};
}

Weight dense_weight(Part numbers, std::int64_t rows, std::int64_t columns) {
  Weight weight;
  weight.format = &weight_formats().back();
  weight.parts[0] = {numbers.dtype, numbers.bytes, true};
  weight.rows = weight.matrix_rows = rows;
  weight.columns = columns;
  return weight;
}

}  // namespace espalier::formats
