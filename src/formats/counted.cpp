#include "formats/weight_format.h"

// Layouts of whole models that are counted, and whose tensors go with their expert, but whose numbers are not
// read. One that is to be read moves to a file of its own.

namespace espalier::formats {
namespace {

constexpr std::int64_t kByteBits = 8;

template <Dtype kDtype>
bool has_dtype(const StoredTensors& stored) {
  return stored.main.dtype == kDtype;
}

bool is_awq(const StoredTensors& stored) {
  return stored.quantization.method == "awq";
}

/// Half bytes, as a module's weight is stored (Model Optimizer, bitsandbytes).
bool is_byte_weight(const StoredTensors& stored) {
  return stored.main.dtype == Dtype::kU8 && stored.main.name.ends_with(".weight");
}

bool any(const StoredTensors&) {
  return true;
}

std::int64_t one_each(const StoredTensors& stored) {
  return stored.main.elements();
}

std::int64_t two_each(const StoredTensors& stored) {
  return stored.main.elements() * 2;
}

/// As many as fit into a word.
std::int64_t of_bits(const StoredTensors& stored) {
  const std::int64_t word = static_cast<std::int64_t>(size_bytes(stored.main.dtype)) * kByteBits;
  return stored.main.elements() * (word / stored.quantization.bits);
}

/// A row of words for every output, and of `g_idx` a number for every input.
std::int64_t of_gptq(const StoredTensors& stored) {
  const auto& inputs = stored.companions[2];
  if (!inputs || stored.main.shape.size() != 2) return of_bits(stored);
  return inputs->elements() * stored.main.shape[1];
}

}  // namespace

std::vector<WeightFormat> counted_formats() {
  return {
      {.name = "mxfp4_blocks",  // gpt-oss: [E, rows, columns / 32, 16]
       .main = "{weight}_blocks",
       .companions = {"{weight}_scales"},
       .recognises = has_dtype<Dtype::kU8>,
       .count = two_each},
      {.name = "packed_fp4",  // compressed-tensors: nvfp4-pack-quantized, mxfp4-pack-quantized
       .main = "{weight}_packed",
       .companions = {"{weight}_scale", "{weight}_global_scale", "{module}.input_global_scale"},
       .recognises = has_dtype<Dtype::kU8>,
       .count = two_each},
      {.name = "packed_integers",  // compressed-tensors: pack-quantized
       .main = "{weight}_packed",
       .companions = {"{weight}_scale", "{weight}_shape", "{weight}_zero_point", "{weight}_g_idx"},
       .describes = {false, true, false, true},
       .recognises = any,
       .count = of_bits},
      {.name = "awq",
       .main = "{module}.qweight",
       .companions = {"{module}.scales", "{module}.qzeros"},
       .recognises = is_awq,
       .count = of_bits},
      {.name = "gptq",
       .main = "{module}.qweight",
       .companions = {"{module}.scales", "{module}.qzeros", "{module}.g_idx"},
       .describes = {false, false, true},
       .recognises = any,
       .count = of_gptq},
      {.name = "fp4_bytes",
       .main = "{weight}",
       .companions = {"{weight}_scale", "{weight}_scale_2", "{module}.input_scale", "{weight}.absmax"},
       .recognises = is_byte_weight,
       .count = two_each},
      {.name = "int8",  // compressed-tensors: int-quantized; bitsandbytes LLM.int8()
       .main = "{weight}",
       .companions = {"{weight}_scale", "{weight}_zero_point", "{module}.input_scale", "{module}.SCB"},
       .recognises = has_dtype<Dtype::kI8>,
       .count = one_each},
  };
}

}  // namespace espalier::formats
