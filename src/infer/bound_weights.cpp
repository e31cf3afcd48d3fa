#include "infer/bound_weights.h"

namespace espalier::infer {

StoredWeight bound_weight(const Checkpoint& checkpoint, const arch::BoundTensors& tensors,
                          const arch::TensorKey& key) {
  const arch::StoredMatrix* matrix = tensors.find(key);
  if (matrix == nullptr) return {};
  const formats::Weight whole = checkpoint.weight(matrix->weight);
  if (matrix->is_contiguous()) return {whole.slice(matrix->begin / matrix->columns, matrix->rows), {}, {}};
  // Inputs are rows of the stored matrix, and an expert has as many of them one after another.
  const std::int64_t first_row = matrix->begin / whole.columns / matrix->columns * matrix->columns;
  const Turned turned{matrix->begin - first_row * whole.columns, matrix->row_stride, matrix->rows};
  return {whole.slice(first_row, matrix->columns), turned, {}};
}

}  // namespace espalier::infer
