#include "text/pattern_class.h"

#include <fmt/format.h>

#include "text/pcre2.h"

namespace espalier {
namespace {

// PCRE2's own \s has U+180E too, and its \w no marks.
constexpr std::string_view kWhiteSpace = R"(\t-\r \x{85}\p{Z})";
constexpr std::string_view kWord = R"(\p{Alphabetic}\p{M}\p{Nd}\p{Pc})";
constexpr std::string_view kNumbersOfWords = R"(\x{b2}\x{b3}\x{b9}\x{bc}-\x{be})";

struct Category {
  std::string_view name, code;
};
constexpr Category kCategories[] = {{"other", "C"},
                                    {"control", "Cc"},
                                    {"cntrl", "Cc"},
                                    {"format", "Cf"},
                                    {"unassigned", "Cn"},
                                    {"privateuse", "Co"},
                                    {"surrogate", "Cs"},
                                    {"letter", "L"},
                                    {"casedletter", "L&"},
                                    {"lc", "L&"},
                                    {"lowercaseletter", "Ll"},
                                    {"modifierletter", "Lm"},
                                    {"otherletter", "Lo"},
                                    {"titlecaseletter", "Lt"},
                                    {"uppercaseletter", "Lu"},
                                    {"mark", "M"},
                                    {"combiningmark", "M"},
                                    {"spacingmark", "Mc"},
                                    {"enclosingmark", "Me"},
                                    {"nonspacingmark", "Mn"},
                                    {"number", "N"},
                                    {"decimalnumber", "Nd"},
                                    {"digit", "Nd"},
                                    {"letternumber", "Nl"},
                                    {"othernumber", "No"},
                                    {"punctuation", "P"},
                                    {"punct", "P"},
                                    {"connectorpunctuation", "Pc"},
                                    {"dashpunctuation", "Pd"},
                                    {"closepunctuation", "Pe"},
                                    {"finalpunctuation", "Pf"},
                                    {"initialpunctuation", "Pi"},
                                    {"otherpunctuation", "Po"},
                                    {"openpunctuation", "Ps"},
                                    {"symbol", "S"},
                                    {"currencysymbol", "Sc"},
                                    {"modifiersymbol", "Sk"},
                                    {"mathsymbol", "Sm"},
                                    {"othersymbol", "So"},
                                    {"lineseparator", "Zl"},
                                    {"paragraphseparator", "Zp"},
                                    {"separator", "Z"},
                                    {"spaceseparator", "Zs"}};

// Names are compared without case, spaces, hyphens and underscores (Unicode Standard Annex 44, UAX44-LM3).
std::optional<std::string> loose_name(std::string_view name) {
  std::string loose;
  for (const char c : name) {
    const char lower = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    if ((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9')) {
      loose += lower;
    } else if (c != ' ' && c != '-' && c != '_') {
      return std::nullopt;
    }
  }
  return loose;
}

bool compiles(const std::string& expression) {
  std::string error;
  return compile_pcre2(expression, error) != nullptr;
}

// A script's bare name means Script_Extensions to PCRE2, and Script to Oniguruma.
std::optional<std::string> pcre2_name(std::string_view name) {
  const auto loose = loose_name(name);
  if (!loose || loose->empty()) return std::nullopt;
  for (const auto& [known, code] : kCategories) {
    if (*loose == known) return std::string(code);
  }
  if (compiles("\\p{sc:" + *loose + "}")) return "sc:" + *loose;
  return compiles("\\p{" + *loose + "}") ? loose : std::nullopt;
}

std::string in_brackets(std::string_view items) {
  return fmt::format("[{}]", items);
}

}  // namespace

std::string PatternClass::member() const {
  if (others.empty()) return in_brackets(items);
  if (items.empty() && others.size() == 1) return others.front();
  std::string all = "(?:";
  if (!items.empty()) all += in_brackets(items) + "|";
  for (const std::string& other : others) all += other + "|";
  all.back() = ')';
  return all;
}

std::string PatternClass::non_member() const {
  return others.empty() ? fmt::format("[^{}]", items) : fmt::format("(?:(?!{})(?s:.))", member());
}

void PatternClass::add(const PatternClass& other) {
  items += other.items;
  others.insert(others.end(), other.others.begin(), other.others.end());
}

void PatternClass::retain(const PatternClass& other) {
  *this = {{}, {fmt::format("(?:(?={}){})", member(), other.member())}};
}

void PatternClass::negate() {
  *this = {{}, {non_member()}};
}

std::string pattern_character(std::uint32_t c) {
  const bool plain = (c >= '0' && c <= '9') || ((c | 32u) >= 'a' && (c | 32u) <= 'z');
  return plain && c < 128 ? std::string(1, static_cast<char>(c)) : fmt::format("\\x{{{:x}}}", c);
}

std::optional<PatternClass> pattern_shorthand(std::uint32_t letter, EscapePlace place) {
  PatternClass set;
  switch (letter | 32u) {
    case 's':
      set.items = kWhiteSpace;
      break;
    case 'd':
      set.items = R"(\p{Nd})";
      break;
    case 'w':
      set.items = kWord;
      if (place == EscapePlace::kAlone) set.items += kNumbersOfWords;
      break;
    case 'h':
      set.items = "0-9A-Fa-f";
      break;
    default:
      return std::nullopt;
  }
  if (letter < 'a') set.negate();
  return set;
}

std::optional<PatternClass> pattern_property(std::string_view name, bool negated) {
  const auto known = pcre2_name(name);
  if (!known) return std::nullopt;
  return PatternClass{fmt::format("\\{}{{{}}}", negated ? 'P' : 'p', *known), {}};
}

}  // namespace espalier
