#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace espalier {

class PipeRecord;

/// Of a pipe so many bytes are kept, for those who read it again.
constexpr std::uint64_t kKeptPipeBytes = 1ULL << 28;

/// Whether `file` is there and neither a regular file nor a folder: a pipe, /dev/stdin behind `|`, `<(..)`.
bool is_pipe(const std::filesystem::path& file);

/// The bytes of a file from its first to its last, whatever the file is. A pipe gives its bytes once, so what
/// is read of it is kept: a second source of the same pipe begins at its first byte too.
class ByteSource {
 public:
  /// Throws UserError when the file is absent, a folder, not readable, or a pipe of which more than
  /// kKeptPipeBytes were read before.
  explicit ByteSource(std::filesystem::path file);
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;
  ~ByteSource();

  /// Fills the front of `into` and returns how many bytes; 0 at the end. Of a pipe, what is there. Throws
  /// Interrupted when the user stops the program while it waits for bytes.
  std::size_t read(std::span<char> into);
  /// The next bytes, which `read` gives all the same; fewer than asked for only before the end.
  std::string_view peek(std::size_t bytes);

  std::uint64_t bytes_read() const { return bytes_read_; }
  /// Of a regular file.
  std::optional<std::uint64_t> size() const { return size_; }
  const std::filesystem::path& path() const { return file_; }

 private:
  std::size_t read_some(std::span<char> into);

  std::filesystem::path file_;
  int descriptor_ = -1;               // of a regular file
  std::shared_ptr<PipeRecord> pipe_;  // of anything else
  std::optional<std::uint64_t> size_;
  std::uint64_t position_ = 0;    // in the file, behind what was peeked at
  std::uint64_t bytes_read_ = 0;  // handed out
  std::string peeked_;
};

/// SHA-256 of all bytes of a file or pipe; `taken` is told of each part's size. Throws UserError.
std::string content_sha256(const std::filesystem::path& file,
                           const std::function<void(std::size_t bytes)>& taken = {});

}  // namespace espalier
