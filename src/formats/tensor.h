#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/dtype.h"

namespace espalier::formats {

/// A tensor in memory or in a mapped file, whose bytes are as many as dtype and shape ask; valid while what
/// holds them lives.
struct Tensor {
  std::string_view name;
  Dtype dtype = Dtype::kF32;
  std::span<const std::int64_t> shape;
  std::span<const std::byte> bytes;  ///< row-major, little-endian

  std::int64_t elements() const { return static_cast<std::int64_t>(bytes.size() / size_bytes(dtype)); }
};

}  // namespace espalier::formats
