#include <cstdlib>

#include "base/error.h"
#include "checkpoint/safetensors.h"

// Whatever the bytes: a UserError, or entries that tile the data section and are as large as they say.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace espalier;
  const auto file = std::as_bytes(std::span(data, size));
  try {
    const SafetensorsHeader header = parse_safetensors(file, "fuzz");
    std::uint64_t covered = 0;
    for (const SafetensorsEntry& entry : header.tensors) {
      if (entry.begin < header.data_begin || entry.end > size || entry.begin > entry.end) std::abort();
      if (tensor_bytes(entry.dtype, entry.shape) != entry.end - entry.begin) std::abort();
      covered += entry.end - entry.begin;
    }
    if (covered != size - header.data_begin) std::abort();
  } catch (const UserError& error) {
    if (std::string_view(error.what()).find("fuzz") == std::string_view::npos) std::abort();
  }
  return 0;
}
