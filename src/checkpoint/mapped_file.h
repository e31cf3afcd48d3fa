#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "base/input_watch.h"
#include "base/mapped_range.h"

namespace espalier {

/// A file mapped read-only; symbolic links are followed. An empty file gives an empty span.
class MappedFile {
 public:
  /// Throws UserError when the file is absent, a folder or not readable; what is no file (a pipe) is read.
  explicit MappedFile(const std::filesystem::path& file);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return bytes_; }
  /// Of the file as it was opened.
  const FileStamp& stamp() const { return stamp_; }

 private:
  std::span<const std::byte> bytes_;
  FileStamp stamp_;
  MappedRange range_;
};

}  // namespace espalier
