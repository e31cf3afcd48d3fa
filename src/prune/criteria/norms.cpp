#include "prune/criteria/norms.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/error.h"

namespace espalier {
namespace {

constexpr std::size_t kPiece = 1 << 16;  // elements converted at a time

/// A tensor as rows of its last axis; stacked matrices one after another.
struct Matrices {
  std::int64_t rows = 1;     ///< R of one matrix
  std::int64_t columns = 1;  ///< C
};

Matrices matrices_of(std::span<const std::int64_t> shape) {
  Matrices matrices;
  if (!shape.empty()) matrices.columns = shape.back();
  if (shape.size() >= 2) matrices.rows = shape[shape.size() - 2];
  return matrices;
}

/// The scales beside an FP8 tensor.
struct Scales {
  std::vector<float> values;                       ///< [matrices * rows * columns] of the scales themselves
  std::int64_t rows = 1, columns = 1;              ///< of one matrix
  std::int64_t block_rows = 1, block_columns = 1;  ///< weights that share one

  double at(std::int64_t matrix, std::int64_t row, std::int64_t column) const {
    if (values.size() == 1) return static_cast<double>(values.front());
    const std::int64_t index = (matrix * rows + row / block_rows) * columns + column / block_columns;
    return static_cast<double>(values[static_cast<std::size_t>(index)]);
  }
};

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

Scales scales_from(const Checkpoint& checkpoint, const TensorView& weight, const TensorView& scale) {
  Scales scales{std::vector<float>(static_cast<std::size_t>(scale.elements()))};
  to_float32(scale.dtype, scale.bytes, scales.values);
  if (scale.elements() == 1) return scales;
  const Matrices matrix = matrices_of(weight.shape);
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

bool is_fp8(Dtype dtype) {
  return dtype == Dtype::kF8E4M3 || dtype == Dtype::kF8E5M2;
}

bool is_float(Dtype dtype) {
  return is_fp8(dtype) || dtype == Dtype::kF64 || dtype == Dtype::kF32 || dtype == Dtype::kF16 ||
         dtype == Dtype::kBF16;
}

/// Nothing for a dtype that needs no scales.
std::optional<Scales> find_scales(const Checkpoint& checkpoint, const TensorView& weight) {
  if (!is_fp8(weight.dtype)) return std::nullopt;
  for (const char* ending : {"_scale_inv", "_scale"}) {
    const std::string name = std::string(weight.name) + ending;
    if (checkpoint.contains(name)) return scales_from(checkpoint, weight, checkpoint.tensor(name));
  }
  throw UserError(fmt::format("{}: tensor {} is {}, and there are no scales {}_scale_inv beside it",
                              checkpoint.folder().string(), weight.name, name(weight.dtype), weight.name));
}

/// Eight partial sums, so that the additions need not wait for each other.
double square_sum(std::span<const float> values) {
  std::array<double, 8> sums{};
  std::size_t i = 0;
  for (; i + 8 <= values.size(); i += 8) {
    for (std::size_t lane = 0; lane < 8; ++lane) {
      const double value = static_cast<double>(values[i + lane]);
      sums[lane] += value * value;
    }
  }
  for (; i < values.size(); ++i)
    sums[i % 8] += static_cast<double>(values[i]) * static_cast<double>(values[i]);
  double total = 0.0;
  for (const double sum : sums) total += sum;
  return total;
}

/// Calls `add(sum of squares)` for each run of at most kPiece elements of [begin, end).
template <typename Add>
void for_each_piece(const TensorView& tensor, std::size_t begin, std::size_t end, std::vector<float>& buffer,
                    Add add) {
  const std::size_t width = size_bytes(tensor.dtype);
  for (std::size_t at = begin; at < end; at += kPiece) {
    const std::size_t count = std::min(kPiece, end - at);
    const std::span<float> values = std::span(buffer).first(count);
    to_float32(tensor.dtype, tensor.bytes.subspan(at * width, count * width), values);
    add(square_sum(values));
  }
}

/// Rows `first` to `last` of all matrices, each run of columns under one scale on its own.
double scaled_square_sum(const TensorView& tensor, const Scales& scales, std::int64_t first,
                         std::int64_t last, std::vector<float>& buffer) {
  const Matrices matrix = matrices_of(tensor.shape);
  double total = 0.0;
  for (std::int64_t row = first; row < last; ++row) {
    for (std::int64_t column = 0; column < matrix.columns; column += scales.block_columns) {
      const std::int64_t end = std::min(matrix.columns, column + scales.block_columns);
      const double scale = scales.at(row / matrix.rows, row % matrix.rows, column);
      for_each_piece(tensor, static_cast<std::size_t>(row * matrix.columns + column),
                     static_cast<std::size_t>(row * matrix.columns + end), buffer,
                     [&](double sum) { total += scale * scale * sum; });
    }
  }
  return total;
}

}  // namespace

std::vector<double> square_sums(const Checkpoint& checkpoint, std::string_view name, std::size_t parts) {
  const TensorView tensor = checkpoint.tensor(name);
  if (!is_float(tensor.dtype)) {
    throw UserError(fmt::format("{}: tensor {} is {}: its norm needs floating-point weights",
                                checkpoint.folder().string(), name, espalier::name(tensor.dtype)),
                    "score a checkpoint that is not quantised to integers; its plan fits both");
  }
  const auto elements = static_cast<std::size_t>(tensor.elements());
  if (parts == 0 || elements % parts != 0) {
    throw InternalError(fmt::format("tensor {}: {} elements in {} parts", name, elements, parts));
  }
  const std::optional<Scales> scales = find_scales(checkpoint, tensor);
  const std::size_t each = elements / parts;
  std::vector<float> buffer(std::min(kPiece, each));
  std::vector<double> sums(parts, 0.0);
  if (each == 0) return sums;
  const Matrices matrix = matrices_of(tensor.shape);
  for (std::size_t part = 0; part < parts; ++part) {
    if (scales) {
      const auto columns = static_cast<std::size_t>(matrix.columns);
      sums[part] = scaled_square_sum(tensor, *scales, static_cast<std::int64_t>(part * each / columns),
                                     static_cast<std::int64_t>((part + 1) * each / columns), buffer);
      continue;
    }
    for_each_piece(tensor, part * each, (part + 1) * each, buffer, [&](double sum) { sums[part] += sum; });
  }
  return sums;
}

}  // namespace espalier
