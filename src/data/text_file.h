#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/progress.h"
#include "data/byte_stream.h"

namespace espalier {

/// What to do about bytes that are not UTF-8: stop with an error, or put U+FFFD in their place.
enum class Utf8Policy { kStrict, kReplace };

/// The lines of a text file (plain, gzip or Zstandard, told by its first bytes), read as a stream. `\n` and
/// `\r\n` end a line and are not part of it; a byte order mark at the start is skipped.
class TextFile {
 public:
  explicit TextFile(std::filesystem::path file, Utf8Policy policy = Utf8Policy::kStrict);

  /// The next line, valid until the next call. Under kStrict throws UserError naming file, line and byte.
  std::optional<std::string_view> next_line();

  std::uint64_t line_number() const { return line_number_; }  ///< of the last line, from 1
  std::uint64_t disk_bytes_read() const {
    return stream_->disk_bytes_read();
  }  ///< of the file as it lies on disk
  const std::filesystem::path& path() const { return path_; }

 private:
  bool fill();
  std::string_view checked(std::string_view line);

  std::filesystem::path path_;
  Utf8Policy policy_;
  std::unique_ptr<ByteStream> stream_;
  std::string buffer_;
  std::string replaced_;
  std::size_t begin_ = 0;  // of what is not yet handed out
  std::uint64_t line_number_ = 0;
};

/// Calls `line` with each line of each file in turn; progress counts bytes on disk. `end_of_file` (may be
/// empty) is called after each file.
void for_each_line(std::span<const std::filesystem::path> files,
                   const std::function<void(std::string_view)>& line,
                   const std::function<void()>& end_of_file, std::string_view what,
                   const ProgressSink& progress = {}, Utf8Policy policy = Utf8Policy::kStrict);

/// The whole text, decompressed, line ends as they are; strict about UTF-8.
std::string read_text(const std::filesystem::path& file);

/// Whether the line holds nothing but white space (ASCII); such a line ends a document.
bool is_blank(std::string_view line);

}  // namespace espalier
