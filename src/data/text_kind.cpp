#include "data/text_kind.h"

#include "base/byte_source.h"
#include "data/byte_stream.h"

namespace espalier {
namespace {

constexpr std::size_t kFirstBytes = 1 << 16;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

bool ends_like(std::string name, std::string_view ending) {
  for (const std::string_view packed : {".gz", ".zst"}) {
    if (name.ends_with(packed)) name.resize(name.size() - packed.size());
  }
  return name.ends_with(ending);
}

/// Takes white space and `word` off the front.
bool skip(std::string_view& text, std::string_view word) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos || !text.substr(begin).starts_with(word)) return false;
  text.remove_prefix(begin + word.size());
  return true;
}

TextKind kind_of(std::string_view begin) {
  if (!skip(begin, "{") || !skip(begin, "\"")) return TextKind::kText;
  return begin.starts_with("sequences\"") ? TextKind::kTokenIds : TextKind::kJsonLines;
}

}  // namespace

TextKind text_kind(const std::filesystem::path& file) {
  const std::string name = file.filename().string();
  if (name.ends_with(".json")) return TextKind::kTokenIds;
  if (ends_like(name, ".jsonl")) return TextKind::kJsonLines;
  return !file.has_extension() && is_pipe(file) ? kind_of(first_bytes(file)) : TextKind::kText;
}

std::string first_bytes(const std::filesystem::path& file) {
  const auto stream = ByteStream::open(file);
  std::string begin;
  while (begin.size() < kFirstBytes && begin.find('\n') == std::string::npos) {
    const std::size_t before = begin.size();
    begin.resize(kFirstBytes);
    const std::size_t bytes = stream->read(std::span(begin).subspan(before));
    begin.resize(before + bytes);
    if (bytes == 0) break;
  }
  if (begin.starts_with(kByteOrderMark)) begin.erase(0, kByteOrderMark.size());
  return begin;
}

}  // namespace espalier
