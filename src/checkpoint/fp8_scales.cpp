#include "checkpoint/fp8_scales.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace espalier {
namespace {

std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

/// [rows, columns] of the blocks that share a scale.
std::array<std::int64_t, 2> block_size(const Checkpoint& checkpoint) {
  const auto quantization = checkpoint.config().find("quantization_config");
  if (quantization == checkpoint.config().end() || !quantization->is_object()) return {128, 128};
  const auto size = quantization->find("weight_block_size");
  if (size == quantization->end() || size->is_null()) return {128, 128};
  const bool two = size->is_array() && size->size() == 2;
  if (!two || !(*size)[0].is_number_unsigned() || !(*size)[1].is_number_unsigned() || (*size)[0] == 0 ||
      (*size)[1] == 0 || (*size)[0] > 65536 || (*size)[1] > 65536) {
    throw UserError(fmt::format("{}: quantization_config.weight_block_size: expected two numbers from 1",
                                (checkpoint.folder() / "config.json").string()));
  }
  return {(*size)[0].get<std::int64_t>(), (*size)[1].get<std::int64_t>()};
}

Fp8Scales scales_from(const Checkpoint& checkpoint, const TensorView& weight, const TensorView& scale) {
  Fp8Scales scales{std::vector<float>(static_cast<std::size_t>(scale.elements()))};
  to_float32(scale.dtype, scale.bytes, scales.values);
  if (scale.elements() == 1) return scales;
  const MatrixShape matrix = matrix_shape_of(weight.shape);
  const std::size_t axes = scale.shape.size();
  const bool vector_of_rows = axes == 1 && weight.shape.size() == 2 && scale.shape.back() == matrix.rows;
  const bool column_of_rows = axes >= 2 && axes == weight.shape.size() && scale.shape.back() == 1 &&
                              scale.shape[axes - 2] == matrix.rows;
  if (vector_of_rows || column_of_rows) {
    scales.block_columns = matrix.columns;
  } else {
    const auto [rows, columns] = block_size(checkpoint);
    scales.block_rows = rows;
    scales.block_columns = columns;
  }
  scales.rows = ceil_div(matrix.rows, scales.block_rows);
  scales.columns = ceil_div(matrix.columns, scales.block_columns);
  const std::int64_t stacked = weight.elements() / (matrix.rows * matrix.columns);
  if (scale.elements() != stacked * scales.rows * scales.columns) {
    throw UserError(fmt::format("{}: tensor {} [{}] does not fit {} [{}] in blocks of {} x {}",
                                checkpoint.folder().string(), scale.name, fmt::join(scale.shape, ", "),
                                weight.name, fmt::join(weight.shape, ", "), scales.block_rows,
                                scales.block_columns));
  }
  return scales;
}

}  // namespace

MatrixShape matrix_shape_of(std::span<const std::int64_t> shape) {
  MatrixShape matrices;
  if (!shape.empty()) matrices.columns = shape.back();
  if (shape.size() >= 2) matrices.rows = shape[shape.size() - 2];
  return matrices;
}

std::string scales_name(const Checkpoint& checkpoint, const TensorView& weight) {
  for (const char* ending : {"_scale_inv", "_scale"}) {
    const std::string name = std::string(weight.name) + ending;
    if (checkpoint.contains(name)) return name;
  }
  throw UserError(fmt::format("{}: tensor {} is {}, and there are no scales {}_scale_inv beside it",
                              checkpoint.folder().string(), weight.name, name(weight.dtype), weight.name));
}

std::optional<Fp8Scales> find_scales(const Checkpoint& checkpoint, const TensorView& weight) {
  if (!is_fp8(weight.dtype)) return std::nullopt;
  return scales_from(checkpoint, weight, checkpoint.tensor(scales_name(checkpoint, weight)));
}

}  // namespace espalier
