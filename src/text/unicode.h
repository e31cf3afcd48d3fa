#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace espalier {

/// What tokenizers ask of the Unicode Character Database (version 15), from utf8proc.

/// The general category in two letters, as the database writes it ("Lu", "Nd", "Zs"; "Cn" where unassigned).
std::string_view general_category(std::uint32_t code_point);

/// Property White_Space.
bool is_white_space(std::uint32_t code_point);

/// \w of Unicode Technical Standard 18, annex C: letters, marks, decimal and letter-like numbers, connectors.
bool is_word_character(std::uint32_t code_point);

/// Canonical_Combining_Class: 0 for what no normalization moves.
int combining_class(std::uint32_t code_point);

/// Appends the lower case of one code point, whatever stands around it (a final sigma is a sigma like
/// others).
void append_lower_case(std::string& out, std::uint32_t code_point);

/// The simple title case: one code point for one.
std::uint32_t title_case(std::uint32_t code_point);

/// Unicode Standard Annex 15.
enum class NormalForm { kNfc, kNfd, kNfkc, kNfkd };

/// Well-formed UTF-8 in the form asked for.
std::string normalized(std::string_view text, NormalForm form);

}  // namespace espalier
