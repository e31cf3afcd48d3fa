#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>

#include "base/files.h"

namespace espalier {

/// What disks read and write in one piece, and what memory for it is aligned to.
constexpr std::size_t kDiskBlockBytes = 4096;

/// Memory that a disk can read into and write from without the page cache.
class DiskBuffer {
 public:
  /// `bytes`: rounded up to whole blocks.
  explicit DiskBuffer(std::size_t bytes);
  std::span<std::byte> bytes() const { return {memory_.get(), size_}; }

 private:
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };
  std::size_t size_;
  std::unique_ptr<std::byte, Free> memory_;
};

/// Reads a file once, from end to end or parts of it, past the page cache where the file system allows it: no
/// processor time goes into pages that nobody reads again, and what other programs have cached stays.
class UncachedReader {
 public:
  /// `file` outlives it.
  explicit UncachedReader(const InputFile& file);
  UncachedReader(UncachedReader&& other) noexcept;
  UncachedReader& operator=(UncachedReader&&) = delete;
  ~UncachedReader();

  /// Bytes [offset, offset + count), somewhere in `buffer`, which holds two blocks more than `count`. Throws
  /// UserError when the file ends before.
  std::span<const std::byte> read(std::uint64_t offset, std::size_t count, const DiskBuffer& buffer);

 private:
  bool read_blocks(std::uint64_t begin, std::span<std::byte> bytes, std::size_t needed);

  const InputFile& file_;
  int descriptor_;  // -1: through the page cache
};

}  // namespace espalier
