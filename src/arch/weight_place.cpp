#include <algorithm>
#include <utility>

#include "arch/tensor_table.h"

namespace espalier::arch {
namespace {

/// A storage, taken apart. The outputs of an expert are counted along one axis of its part of the tensor.
struct Lie {
  bool stacked = false;      // an axis of experts comes first
  bool flat = false;         // .. and is one with the next
  bool pair = false;         // two roles' outputs share the axis ..
  bool second = false;       // .. and this is the second of them
  bool transposed = false;   // [in, out]
  bool interleaved = false;  // the two take turns
};

Lie lie_of(Storage storage) {
  switch (storage) {
    case Storage::kOwn:
    case Storage::kFused:
      return {};
    case Storage::kOwnTransposed:
      return {.transposed = true};
    case Storage::kFirst:
      return {.pair = true};
    case Storage::kSecond:
      return {.pair = true, .second = true};
    case Storage::kStacked:
      return {.stacked = true};
    case Storage::kFlat:
      return {.stacked = true, .flat = true};
    case Storage::kFlatTransposed:
      return {.stacked = true, .flat = true, .transposed = true};
    case Storage::kStackedEvenRows:
      return {.stacked = true, .pair = true, .interleaved = true};
    case Storage::kStackedOddRows:
      return {.stacked = true, .pair = true, .second = true, .interleaved = true};
    case Storage::kStackedFirst:
      return {.stacked = true, .pair = true};
    case Storage::kStackedSecond:
      return {.stacked = true, .pair = true, .second = true};
    case Storage::kTransposed:
      return {.stacked = true, .transposed = true};
    case Storage::kTransposedFirst:
      return {.stacked = true, .pair = true, .transposed = true};
    case Storage::kTransposedSecond:
      return {.stacked = true, .pair = true, .second = true, .transposed = true};
    case Storage::kInterleavedFirst:
      return {.stacked = true, .pair = true, .transposed = true, .interleaved = true};
    case Storage::kInterleavedSecond:
      return {.stacked = true, .pair = true, .second = true, .transposed = true, .interleaved = true};
  }
  return {};
}

}  // namespace

std::vector<std::int64_t> stored_shape(const ExpectedTensor& tensor, Storage storage, std::int64_t experts) {
  const Lie lie = lie_of(storage);
  std::vector<std::int64_t> shape = tensor.shape;
  if (lie.pair) shape.front() *= 2;
  if (storage == Storage::kFused) shape.front() = tensor.fused_rows;
  if (storage == Storage::kOwnTransposed && shape.size() == 1) shape.push_back(1);
  if (lie.transposed) std::reverse(shape.begin(), shape.end());
  if (lie.flat)
    shape.front() *= experts;
  else if (lie.stacked)
    shape.insert(shape.begin(), experts);
  return shape;
}

WeightPlace place_in(std::string weight, const ExpectedTensor& tensor, Storage storage) {
  const Lie lie = lie_of(storage);
  const bool vector = tensor.shape.size() == 1;
  const std::int64_t out = tensor.shape.front(), in = vector ? 1 : tensor.shape.back();
  const std::int64_t outputs = lie.pair ? 2 * out : out;  // along the axis
  const std::int64_t step = lie.transposed ? 1 : in;
  const std::int64_t stride = lie.interleaved ? 2 * step : step;  // from output to output
  const std::int64_t first = lie.second ? (lie.interleaved ? step : out * stride) : 0;
  const std::int64_t expert = lie.stacked ? tensor.key.expert : 0;
  WeightPlace place;
  place.weight = std::move(weight);
  place.begin = expert * outputs * in + first;
  if (storage == Storage::kFused) place.begin = tensor.fused_first * in;
  place.rows = vector ? 1 : out;
  place.columns = vector ? out : in;
  place.row_stride = vector ? out : stride;
  place.column_stride = vector ? stride : (lie.transposed ? outputs : 1);
  return place;
}

}  // namespace espalier::arch
