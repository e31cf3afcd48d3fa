#pragma once

#include <functional>
#include <span>
#include <vector>

#include "arch/tensor_table.h"

namespace espalier::arch {

/// The numbers of one role, [rows, columns] float32, when they are asked for.
struct RoleValues {
  TensorKey key;
  std::function<void(std::span<float> to)> fill;
};

/// The tensors that hold them, under the names and in the layouts in which the family is published. `values`
/// has every role of the spec that is to be written. Numbers are rounded once to `dtype`, but for correction
/// biases, which stay float32.
std::vector<TensorSource> table_sources(const ModelSpec& spec, std::vector<RoleValues> values, Dtype dtype);

}  // namespace espalier::arch
