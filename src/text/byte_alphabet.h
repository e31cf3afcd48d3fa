#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace espalier {

/// The 256 letters in which byte-level vocabularies spell bytes (Radford et al. 2019): printable bytes of
/// Latin-1 stand for themselves, the others for U+0100 on, in order ("\xC4\xA0", U+0120, is a space).
std::string byte_letter(std::uint8_t byte);

/// The bytes that a piece spells; none where a character of it is not of the alphabet.
std::optional<std::string> spelled_bytes(std::string_view piece);

}  // namespace espalier
