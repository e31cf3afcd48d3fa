#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace espalier {

/// SHA-256 in lower-case hexadecimal (64 characters).
std::string sha256(std::string_view bytes);

/// A sum that tells whether bytes have changed, as fast as memory is read; no protection against somebody who
/// wants two contents with one sum. `before`: of the bytes that come before these.
std::uint64_t content_sum(std::span<const std::byte> bytes, std::uint64_t before = 0);

/// Incremental SHA-256, for files larger than memory.
class Sha256 {
 public:
  Sha256();
  void update(std::span<const std::byte> bytes);
  std::string hex();  ///< ends the digest

 private:
  alignas(16) std::byte state_[256];
};

}  // namespace espalier
