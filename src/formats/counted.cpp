#include "formats/weight_format.h"

// Layouts of whole models that are counted, and whose tensors go with their expert, but whose numbers are not
// read. One that is to be read moves to a file of its own.

namespace espalier::formats {
namespace {

/// Half bytes, as a module's weight is stored (bitsandbytes).
bool is_byte_weight(const StoredTensors& stored) {
  return stored.main.dtype == Dtype::kU8 && stored.main.name.ends_with(".weight");
}

bool is_int8(const StoredTensors& stored) {
  return stored.main.dtype == Dtype::kI8;
}

std::int64_t one_each(const StoredTensors& stored) {
  return stored.main.elements();
}

std::int64_t two_each(const StoredTensors& stored) {
  return stored.main.elements() * 2;
}

}  // namespace

std::vector<WeightFormat> counted_formats() {
  return {
      {.name = "fp4_bytes",
       .main = "{weight}",
       .companions = {"{weight}.absmax"},
       .recognises = is_byte_weight,
       .count = two_each},
      {.name = "int8",  // compressed-tensors: int-quantized; bitsandbytes LLM.int8()
       .main = "{weight}",
       .companions = {"{weight}_scale", "{weight}_zero_point", "{module}.input_scale", "{module}.SCB"},
       .recognises = is_int8,
       .count = one_each},
  };
}

}  // namespace espalier::formats
