#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace espalier {

/// The whole file. Throws UserError when it is absent, a folder or not readable.
std::string read_file(const std::filesystem::path& file);

/// Writes atomically: temporary name in the same folder, fsync, rename. Throws UserError (full disk, no
/// permission) and leaves neither the temporary nor a half-written file. A symbolic link is followed, a
/// device or FIFO is written to.
void write_file(const std::filesystem::path& file, std::string_view content);

/// Whether `file` was left by a writer that was killed before it had a file to put under its name.
bool is_left_over(const std::filesystem::path& file);

enum class IfExists { kFail, kOverwrite };
/// Throws UserError where `folder` is a file, or exists and is not empty (unless kOverwrite). What writers
/// that were killed left does not count.
void check_output_folder(const std::filesystem::path& folder, IfExists if_exists);
/// Creates `folder` for output, where `check_output_folder` has nothing against it; what is there stays.
void create_output_folder(const std::filesystem::path& folder, IfExists if_exists);

/// A file read at any place, without mapping it: what is read does not count as this process's memory.
class InputFile {
 public:
  /// Follows symbolic links. Throws UserError when the file is absent, not a regular file or not readable.
  explicit InputFile(std::filesystem::path file);
  InputFile(InputFile&& other) noexcept;
  InputFile& operator=(InputFile&&) = delete;
  ~InputFile();

  /// Fills `bytes` from `offset` on. Throws UserError when the file ends before.
  void read(std::uint64_t offset, std::span<std::byte> bytes) const;
  std::uint64_t size() const;
  int descriptor() const { return descriptor_; }
  const std::filesystem::path& path() const { return file_; }

 private:
  std::filesystem::path file_;
  int descriptor_;
};

/// A file written piece by piece that appears under its name only when complete: `commit` syncs and renames;
/// destruction without it removes what was written. Temporary files of writers that were killed are removed.
/// A link is followed; a device, a FIFO or /dev/stdout is written to as it is. `commit` throws where an input
/// changed meanwhile (base/input_watch.h).
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path file);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  /// Claims disk space, so that a full disk is found before the work and not after it. Throws UserError with
  /// the bytes needed and free.
  void reserve(std::uint64_t bytes);
  void write(std::span<const std::byte> bytes);
  void write(std::string_view bytes) { write(std::as_bytes(std::span(bytes))); }
  /// From here on writes of whole disk blocks, from memory that is aligned to them (base/disk_blocks.h), go
  /// past the page cache where the file system allows it; the first other write ends that.
  void bypass_cache() noexcept;
  /// Appends bytes of another file, inside the kernel where the file systems allow it.
  void append(const InputFile& source, std::uint64_t offset, std::uint64_t bytes);
  void commit();

 private:
  void open_temporary();
  [[noreturn]] void fail(std::string_view action, int error_number, std::uint64_t bytes_needed);
  void use_cache() noexcept;
  void start_writeback() noexcept;
  void discard() noexcept;

  std::filesystem::path file_;
  std::filesystem::path temporary_;
  std::uint64_t written_bytes_ = 0;
  std::uint64_t reserved_bytes_ = 0;
  std::uint64_t started_bytes_ = 0;  // that the kernel was told to write out
  int descriptor_;
  bool as_it_is_;  // a device or the like
  bool past_cache_ = false;
};

}  // namespace espalier
