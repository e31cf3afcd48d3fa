#include "text/utf8.h"

#include <algorithm>
#include <cstring>

namespace espalier {
namespace {

struct Lead {
  std::uint32_t bytes;   // of the whole sequence; 0 where the byte leads nothing
  std::uint32_t bits;    // the lead's own bits
  std::uint32_t lowest;  // smallest code point that needs this many bytes
};

Lead lead_of(std::uint8_t byte) {
  if (byte < 0x80) return {1, byte, 0};
  if (byte < 0xC2) return {0, 0, 0};
  if (byte < 0xE0) return {2, byte & 0x1Fu, 0x80};
  if (byte < 0xF0) return {3, byte & 0x0Fu, 0x800};
  if (byte < 0xF5) return {4, byte & 0x07u, 0x10000};
  return {0, 0, 0};
}

/// How many bytes at `position` begin a well-formed sequence, at least one.
std::uint32_t begun_bytes(std::string_view text, std::size_t position) {
  const auto first = static_cast<std::uint8_t>(text[position]);
  std::uint8_t low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;  // of the second byte
  std::uint8_t high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  const std::uint32_t bytes = lead_of(first).bytes;
  std::uint32_t count = 1;
  for (; count < bytes && position + count < text.size(); ++count) {
    const auto byte = static_cast<std::uint8_t>(text[position + count]);
    if (byte < low || byte > high) break;
    low = 0x80;
    high = 0xBF;
  }
  return count;
}

}  // namespace

Utf8Step decode_utf8(std::string_view text, std::size_t position) {
  const auto lead = lead_of(static_cast<std::uint8_t>(text[position]));
  if (lead.bytes == 0 || lead.bytes > text.size() - position) return {};
  std::uint32_t value = lead.bits;
  for (std::uint32_t i = 1; i < lead.bytes; ++i) {
    const auto byte = static_cast<std::uint8_t>(text[position + i]);
    if ((byte & 0xC0u) != 0x80u) return {};
    value = (value << 6) | (byte & 0x3Fu);
  }
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < lead.lowest || surrogate || value > 0x10FFFF) return {};
  return {value, lead.bytes, true};
}

void append_utf8(std::string& out, std::uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
    return;
  }
  if (c < 0x800) {
    out += static_cast<char>(0xC0 | (c >> 6));
  } else {
    if (c < 0x10000) {
      out += static_cast<char>(0xE0 | (c >> 12));
    } else {
      out += static_cast<char>(0xF0 | (c >> 18));
      out += static_cast<char>(0x80 | ((c >> 12) & 0x3F));
    }
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
  }
  out += static_cast<char>(0x80 | (c & 0x3F));
}

std::size_t count_code_points(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<std::uint8_t>(c) & 0xC0u) != 0x80u; }));
}

std::optional<std::size_t> find_invalid_utf8(std::string_view text) {
  std::size_t position = 0;
  while (position < text.size()) {
    std::uint64_t eight = 0;
    if (position + 8 <= text.size()) {
      std::memcpy(&eight, text.data() + position, 8);
      if ((eight & 0x8080808080808080ULL) == 0) {
        position += 8;
        continue;
      }
    }
    const auto step = decode_utf8(text, position);
    if (!step.valid) return position;
    position += step.bytes;
  }
  return std::nullopt;
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t position = 0; position < text.size();) {
    const auto step = decode_utf8(text, position);
    if (step.valid) {
      out.append(text.substr(position, step.bytes));
    } else {
      append_utf8(out, 0xFFFD);
    }
    position += step.valid ? step.bytes : begun_bytes(text, position);
  }
  return out;
}

std::size_t incomplete_end(std::string_view text) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
    const std::size_t at = text.size() - back;
    const std::uint32_t bytes = lead_of(static_cast<std::uint8_t>(text[at])).bytes;
    if (bytes > 0) return bytes > back && begun_bytes(text, at) == back ? back : 0;
  }
  return 0;
}

}  // namespace espalier
