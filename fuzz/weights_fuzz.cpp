#include <cmath>
#include <cstdlib>
#include <iterator>

#include "base/error.h"
#include "checkpoint/safetensors.h"
#include "formats/find_weight.h"
#include "formats/weight_format.h"

// A checkpoint of any tensors: each has one place, and a weight is refused by name or has as many numbers as
// it says, of every codec. The first two bytes are the sizes of blocks, then come the method, the bits and
// the size of groups; the rest is a safetensors file.
namespace {

constexpr const char* kMethods[] = {"fp8", "compressed-tensors", "gptq", "awq", "modelopt", "mxfp4", ""};

espalier::formats::Quantization quantization_of(const std::uint8_t* data) {
  espalier::formats::Quantization result;
  result.block_rows = data[0] + 1;
  result.block_columns = data[1] + 1;
  result.method = kMethods[data[2] % std::size(kMethods)];
  if (data[2] >= 128 && result.method == "gptq") result.variant = "gptq_v2";
  result.bits = 1 << (data[3] % 4);
  result.group_size = data[4];
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace espalier;
  constexpr std::size_t kSettings = 5;
  if (size < kSettings) return 0;
  const auto file = std::as_bytes(std::span(data, size)).subspan(kSettings);
  SafetensorsHeader header;
  try {
    header = parse_safetensors(file, "fuzz");
  } catch (const UserError&) {
    return 0;
  }
  formats::WeightSource source{"fuzz", quantization_of(data), {}};
  source.find = [&](std::string_view name) -> std::optional<formats::Tensor> {
    for (const SafetensorsEntry& entry : header.tensors) {
      if (entry.name == name)
        return formats::Tensor{entry.name, entry.dtype, entry.shape,
                               file.subspan(entry.begin, entry.end - entry.begin)};
    }
    return std::nullopt;
  };
  for (const SafetensorsEntry& entry : header.tensors) {
    const formats::Tensor tensor = *source.find(entry.name);
    if (formats::parameters(source, tensor) < 0) std::abort();
    const formats::Place place = formats::place_of(source, tensor);
    try {
      const auto weight = formats::find_weight(source, place.weight);
      if (!weight) std::abort();
      const std::int64_t rows = std::min<std::int64_t>(weight->rows, 4096);
      if (weight->columns > 1 << 20) continue;
      std::vector<float> values(static_cast<std::size_t>(rows * weight->columns));
      weight->decode_rows(weight->rows - rows, rows, values.data());
    } catch (const UserError& error) {
      if (std::string_view(error.what()).find("tensor ") == std::string_view::npos) std::abort();
    }
  }
  return 0;
}
