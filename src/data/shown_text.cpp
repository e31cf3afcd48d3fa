#include "data/shown_text.h"

#include <fmt/format.h>

#include "text/utf8.h"

namespace espalier {
namespace {

constexpr std::size_t kShownBytes = 60;

}  // namespace

std::string shown_text(std::string_view utf8) {
  std::string shown;
  std::size_t at = 0;
  while (at < utf8.size()) {
    const auto step = decode_utf8(utf8, at);
    if (at + step.bytes > kShownBytes) return shown + "...";
    const auto byte = static_cast<unsigned char>(utf8[at]);
    if (!step.valid || byte < 0x20 || byte == 0x7F) {
      shown += fmt::format("\\x{:02x}", byte);
    } else {
      shown += utf8.substr(at, step.bytes);
    }
    at += step.bytes;
  }
  return shown;
}

}  // namespace espalier
