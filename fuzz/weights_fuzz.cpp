#include <cmath>
#include <cstdlib>

#include "base/error.h"
#include "checkpoint/safetensors.h"
#include "formats/find_weight.h"
#include "formats/weight_format.h"

// A checkpoint of any tensors: each has one place, and a weight is refused by name or has as many numbers as
// it says. The first bytes are the sizes of blocks, the rest is a safetensors file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace espalier;
  if (size < 2) return 0;
  const auto file = std::as_bytes(std::span(data, size)).subspan(2);
  SafetensorsHeader header;
  try {
    header = parse_safetensors(file, "fuzz");
  } catch (const UserError&) {
    return 0;
  }
  formats::WeightSource source{"fuzz", {}, {}};
  source.quantization.block_rows = data[0] + 1;
  source.quantization.block_columns = data[1] + 1;
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
