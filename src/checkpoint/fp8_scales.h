#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"

namespace espalier {

/// A tensor as rows of its last axis; stacked matrices one after another.
struct MatrixShape {
  std::int64_t rows = 1;     ///< R of one matrix
  std::int64_t columns = 1;  ///< C
};

MatrixShape matrix_shape_of(std::span<const std::int64_t> shape);

/// The scales beside an FP8 tensor.
struct Fp8Scales {
  std::vector<float> values;                       ///< [matrices * rows * columns] of the scales themselves
  std::int64_t rows = 1, columns = 1;              ///< of one matrix
  std::int64_t block_rows = 1, block_columns = 1;  ///< weights that share one

  double at(std::int64_t matrix, std::int64_t row, std::int64_t column) const {
    if (values.size() == 1) return static_cast<double>(values.front());
    const std::int64_t index = (matrix * rows + row / block_rows) * columns + column / block_columns;
    return static_cast<double>(values[static_cast<std::size_t>(index)]);
  }
};

/// Nothing for a dtype that needs no scales. They stand beside an FP8 tensor as NAME_scale_inv or NAME_scale:
/// one for the tensor, one for each row, or one for each block of `quantization_config.weight_block_size`
/// (128 x 128). Throws UserError where an FP8 tensor has none, and where they do not fit.
std::optional<Fp8Scales> find_scales(const Checkpoint& checkpoint, const TensorView& weight);
/// The name of the scales beside a tensor; throws UserError where there are none.
std::string scales_name(const Checkpoint& checkpoint, const TensorView& weight);

}  // namespace espalier
