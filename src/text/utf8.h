#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace espalier {

constexpr std::uint32_t kCodePoints = 0x110000;  ///< those of Unicode, surrogates among them

/// One decoded code point, or (length 1, `valid` false) a byte that begins no well-formed sequence.
struct Utf8Step {
  std::uint32_t code_point = 0xFFFD;
  std::uint32_t bytes = 1;
  bool valid = false;
};

/// Decodes at `text[position]`, position < size. Strict: no overlong forms, surrogates or values past
/// U+10FFFF (Unicode 15, table 3-7).
Utf8Step decode_utf8(std::string_view text, std::size_t position);

void append_utf8(std::string& out, std::uint32_t code_point);

std::size_t count_code_points(std::string_view text);  ///< of well-formed UTF-8

/// Byte position of the first ill-formed sequence.
std::optional<std::size_t> find_invalid_utf8(std::string_view text);

/// The text with U+FFFD for what is no well-formed sequence: for the beginning of one, as far as it goes, or
/// else for a byte (Unicode 15, table 3-8; as Rust, Python and browsers).
std::string replace_invalid_utf8(std::string_view text);

/// How many bytes at the end begin a sequence that is not whole yet.
std::size_t incomplete_end(std::string_view text);

}  // namespace espalier
