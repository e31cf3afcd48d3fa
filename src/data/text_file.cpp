#include "data/text_file.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/foreign_file.h"
#include "base/interrupt.h"
#include "text/utf8.h"

namespace espalier {
namespace {

constexpr std::size_t kBlockBytes = 1 << 18;
constexpr std::uint64_t kLinesPerReport = 1024;
constexpr std::string_view kEncodingHint =
    "convert it: iconv -f ENCODING -t UTF-8 (LATIN1 for Western Europe, GB18030 for Chinese, SHIFT_JIS for "
    "Japanese; `file` guesses)";
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::uint64_t bytes_on_disk(std::span<const std::filesystem::path> files) {
  std::uint64_t total = 0;
  for (const auto& file : files) {
    std::error_code ignored;
    const auto size = std::filesystem::file_size(file, ignored);
    if (!ignored) total += size;
  }
  return total;
}

}  // namespace

TextFile::TextFile(std::filesystem::path file, Utf8Policy policy)
    : path_(std::move(file)), policy_(policy), stream_(ByteStream::open(path_)) {}

bool TextFile::fill() {
  buffer_.erase(0, begin_);
  begin_ = 0;
  const std::size_t kept = buffer_.size();
  buffer_.resize(kept + kBlockBytes);
  const std::size_t bytes = stream_->read(std::span(buffer_).subspan(kept));
  buffer_.resize(kept + bytes);
  if (line_number_ == 0 && kept == 0) refuse_foreign(buffer_, path_.string());
  return bytes > 0;
}

std::string_view TextFile::checked(std::string_view line) {
  const auto at = find_invalid_utf8(line);
  if (!at) return line;
  if (policy_ == Utf8Policy::kReplace) return replaced_ = replace_invalid_utf8(line);
  throw UserError(fmt::format("{}: line {}, byte {}: invalid UTF-8 (0x{:02X})", path_.string(), line_number_,
                              *at + 1, static_cast<unsigned char>(line[*at])),
                  std::string(kEncodingHint));
}

std::optional<std::string_view> TextFile::next_line() {
  std::size_t searched = begin_;
  std::size_t end = buffer_.find('\n', searched);
  while (end == std::string::npos) {
    searched = buffer_.size() - begin_;  // fill() moves what is left to the front
    if (!fill()) break;
    end = buffer_.find('\n', searched);
  }
  if (end == std::string::npos && begin_ == buffer_.size()) return std::nullopt;
  auto line = std::string_view(buffer_).substr(begin_, end == std::string::npos ? end : end - begin_);
  begin_ = end == std::string::npos ? buffer_.size() : end + 1;
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (++line_number_ == 1 && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  return checked(line);
}

void for_each_line(std::span<const std::filesystem::path> files,
                   const std::function<void(std::string_view)>& line,
                   const std::function<void()>& end_of_file, std::string_view what,
                   const ProgressSink& progress, Utf8Policy policy) {
  const std::uint64_t total = bytes_on_disk(files);
  std::uint64_t done = 0;
  for (const auto& path : files) {
    TextFile file(path, policy);
    while (const auto text = file.next_line()) {
      line(*text);
      if (file.line_number() % kLinesPerReport != 0) continue;
      if (interrupt_requested()) throw Interrupted("stopped while " + std::string(what));
      if (progress) progress({what, done + file.disk_bytes_read(), total, "bytes"});
    }
    if (end_of_file) end_of_file();
    done += file.disk_bytes_read();
    if (progress) progress({what, done, total, "bytes"});
  }
}

std::string read_text(const std::filesystem::path& file) {
  const auto stream = ByteStream::open(file);
  std::string text;
  for (std::size_t bytes = kBlockBytes; bytes > 0;) {
    const std::size_t before = text.size();
    text.resize(before + kBlockBytes);
    bytes = stream->read(std::span(text).subspan(before));
    text.resize(before + bytes);
  }
  refuse_foreign(text, file.string());
  if (text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
  if (const auto at = find_invalid_utf8(text)) {
    throw UserError(fmt::format("{}: byte {}: invalid UTF-8 (0x{:02X})", file.string(), *at + 1,
                                static_cast<unsigned char>(text[*at])),
                    std::string(kEncodingHint));
  }
  return text;
}

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r\v\f") == std::string_view::npos;
}

}  // namespace espalier
