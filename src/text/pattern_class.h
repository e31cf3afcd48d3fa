#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

/// A set of code points in the syntax of PCRE2, whose brackets (before version 10.45) do not nest.
struct PatternClass {
  std::string items;                ///< what stands in brackets: "a-z\p{L}"
  std::vector<std::string> others;  ///< further members, each an expression of one character: "[^\p{L}]"

  /// Expressions of one character: one of the set, or one outside it.
  std::string member() const;
  std::string non_member() const;

  void add(const PatternClass& other);
  void retain(const PatternClass& other);  ///< what is in both
  void negate();
};

/// A code point as PCRE2 reads it inside and outside brackets.
std::string pattern_character(std::uint32_t code_point);

/// The classes of Oniguruma 6.9 by the letter of their escape: \s \d \w \h, and in upper case their
/// complements. Within brackets \w has no numbers but digits.
enum class EscapePlace { kAlone, kInBrackets };
std::optional<PatternClass> pattern_shorthand(std::uint32_t letter, EscapePlace place);

/// \p{name}: general categories (short or long), scripts, binary properties, by Unicode's names.
std::optional<PatternClass> pattern_property(std::string_view name, bool negated);

}  // namespace espalier
