#include "infer/bound_weights.h"

#include "base/error.h"
#include "formats/weight_format.h"

namespace espalier::infer {
namespace {

/// Of a format whose rows are the columns of the tensor that the place speaks of: the role's rows are rows of
/// it.
StoredWeight of_turned(const formats::Weight& whole, const arch::WeightPlace& place) {
  const std::int64_t outputs = whole.matrix_rows, matrix = outputs * whole.columns;
  if (place.column_stride != outputs) throw InternalError("a turned weight in a place that is not");
  const std::int64_t first = place.begin / matrix * outputs + place.begin % matrix;
  return {whole.every(first, place.row_stride, place.rows), {}, {}};
}

}  // namespace

StoredWeight bound_weight(const Checkpoint& checkpoint, const arch::BoundTensors& tensors,
                          const arch::TensorKey& key) {
  const arch::WeightPlace* place = tensors.find(key);
  if (place == nullptr) return {};
  const formats::Weight whole = checkpoint.weight(place->weight);
  if (whole.format->turned) return of_turned(whole, *place);
  if (place->is_contiguous()) return {whole.slice(place->begin / place->columns, place->rows), {}, {}};
  if (place->rows == 1) {  // a vector whose numbers are some steps apart: [out, 1]
    const std::int64_t row = place->begin / whole.columns;
    const Turned turned{place->begin - row * whole.columns, place->column_stride, place->columns};
    return {whole.slice(row, 1), turned, {}};
  }
  // Inputs are rows of the stored matrix, and an expert has as many of them one after another.
  const std::int64_t first_row = place->begin / whole.columns / place->columns * place->columns;
  const Turned turned{place->begin - first_row * whole.columns, place->row_stride, place->rows};
  return {whole.slice(first_row, place->columns), turned, {}};
}

}  // namespace espalier::infer
