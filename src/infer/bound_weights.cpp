#include "infer/bound_weights.h"

namespace espalier::infer {

StoredWeight bound_weight(const Checkpoint& checkpoint, const arch::BoundTensors& tensors,
                          const arch::TensorKey& key) {
  const arch::WeightPlace* place = tensors.find(key);
  if (place == nullptr) return {};
  const formats::Weight whole = checkpoint.weight(place->weight);
  if (place->is_contiguous()) return {whole.slice(place->begin / place->columns, place->rows), {}, {}};
  // Inputs are rows of the stored matrix, and an expert has as many of them one after another.
  const std::int64_t first_row = place->begin / whole.columns / place->columns * place->columns;
  const Turned turned{place->begin - first_row * whole.columns, place->row_stride, place->rows};
  return {whole.slice(first_row, place->columns), turned, {}};
}

}  // namespace espalier::infer
