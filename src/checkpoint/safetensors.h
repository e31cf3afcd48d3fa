#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/dtype.h"

namespace espalier {

constexpr std::uint64_t kMaxSafetensorsHeaderBytes = 100'000'000;  // the limit of the format's own library

/// Where one tensor is: bytes [begin, end) of the file, not of its data section.
struct SafetensorsEntry {
  std::string name;
  Dtype dtype = Dtype::kF32;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> tensors;  ///< sorted by name
  std::map<std::string, std::string> metadata;
  std::uint64_t data_begin = 0;  ///< first byte after the header
};

/// Reads the header of a whole safetensors file. Whatever the bytes are, the entries returned lie inside
/// `file`, do not overlap, leave no hole, and are as large as dtype and shape ask; anything else is a
/// UserError that names `source` and the tensor.
SafetensorsHeader parse_safetensors(std::span<const std::byte> file, std::string_view source);

/// The bytes before the data section: length and JSON, padded with blanks to a multiple of 8. `tensors`:
/// sorted by name, `begin` and `end` in the data section, which they tile.
std::string safetensors_header(std::span<const SafetensorsEntry> tensors,
                               const std::map<std::string, std::string>& metadata);

/// Bytes that a tensor takes; nullopt for a negative size or more than 2^63 - 1 bytes.
std::optional<std::uint64_t> tensor_bytes(Dtype dtype, std::span<const std::int64_t> shape);

}  // namespace espalier
