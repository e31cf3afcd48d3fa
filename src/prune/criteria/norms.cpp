#include "prune/criteria/norms.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/error.h"
#include "checkpoint/fp8_scales.h"

namespace espalier {
namespace {

constexpr std::size_t kPiece = 1 << 16;  // elements converted at a time

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
double scaled_square_sum(const TensorView& tensor, const Fp8Scales& scales, std::int64_t first,
                         std::int64_t last, std::vector<float>& buffer) {
  const MatrixShape matrix = matrix_shape_of(tensor.shape);
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
  const std::optional<Fp8Scales> scales = find_scales(checkpoint, tensor);
  const std::size_t each = elements / parts;
  std::vector<float> buffer(std::min(kPiece, each));
  std::vector<double> sums(parts, 0.0);
  if (each == 0) return sums;
  const MatrixShape matrix = matrix_shape_of(tensor.shape);
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
