#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

namespace espalier {

/// The bytes of a file, decompressed when it begins like gzip (also dictzip) or Zstandard.
class ByteStream {
 public:
  /// Throws UserError when the file is absent or not readable.
  static std::unique_ptr<ByteStream> open(const std::filesystem::path& file);
  virtual ~ByteStream() = default;

  /// Fills the front of `into` and returns how many bytes; 0 at the end. Throws UserError for a compressed
  /// file that is damaged or cut short.
  virtual std::size_t read(std::span<char> into) = 0;

  virtual std::uint64_t disk_bytes_read() const = 0;  ///< of the file as it lies on disk
};

}  // namespace espalier
