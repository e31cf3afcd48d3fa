#include "text/unicode.h"

#include <utf8proc.h>

#include <cstdlib>
#include <memory>

#include "base/error.h"
#include "text/utf8.h"

namespace espalier {
namespace {

constexpr std::uint32_t kCapitalIWithDot = 0x0130;  // the one code point with a longer lower case

// Letters by property Alphabetic, symbols by category: circled, parenthesized, squared.
bool is_letter_symbol(std::uint32_t c) {
  return (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) || (c >= 0x1F150 && c <= 0x1F169) ||
         (c >= 0x1F170 && c <= 0x1F189);
}

bool is_ascii(char c) {
  return static_cast<signed char>(c) >= 0;
}

utf8proc_option_t options_of(NormalForm form) {
  const bool composes = form == NormalForm::kNfc || form == NormalForm::kNfkc;
  const bool compatible = form == NormalForm::kNfkc || form == NormalForm::kNfkd;
  return static_cast<utf8proc_option_t>(UTF8PROC_STABLE | (composes ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE) |
                                        (compatible ? UTF8PROC_COMPAT : 0));
}

void append_normalized(std::string& out, std::string_view text, utf8proc_option_t options) {
  utf8proc_uint8_t* made = nullptr;
  const auto bytes = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                  static_cast<utf8proc_ssize_t>(text.size()), &made, options);
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owner(made, &std::free);
  if (bytes < 0) throw InternalError(std::string("cannot normalize a text: ") + utf8proc_errmsg(bytes));
  out.append(reinterpret_cast<const char*>(made), static_cast<std::size_t>(bytes));
}

}  // namespace

std::string_view general_category(std::uint32_t c) {
  return utf8proc_category_string(static_cast<utf8proc_int32_t>(c));
}

bool is_white_space(std::uint32_t c) {
  return (c >= '\t' && c <= '\r') || c == 0x85 || general_category(c).front() == 'Z';
}

bool is_word_character(std::uint32_t c) {
  const auto category = general_category(c);
  const bool joins = c == 0x200C || c == 0x200D;
  return category.front() == 'L' || category.front() == 'M' || category == "Nd" || category == "Nl" ||
         category == "Pc" || joins || is_letter_symbol(c);
}

int combining_class(std::uint32_t c) {
  return utf8proc_get_property(static_cast<utf8proc_int32_t>(c))->combining_class;
}

void append_lower_case(std::string& out, std::uint32_t c) {
  if (c == kCapitalIWithDot) {
    out += "i\u0307";
  } else {
    append_utf8(out, static_cast<std::uint32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(c))));
  }
}

std::uint32_t title_case(std::uint32_t c) {
  return static_cast<std::uint32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(c)));
}

// ASCII changes in no form, and composes only with what follows it: runs of other characters, each with the
// letter before it, are all that is looked at.
std::string normalized(std::string_view text, NormalForm form) {
  const auto options = options_of(form);
  std::string out;
  out.reserve(text.size());
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t other = begin;
    while (other < text.size() && is_ascii(text[other])) ++other;
    const std::size_t base = other < text.size() && other > begin ? other - 1 : other;
    out.append(text, begin, base - begin);
    std::size_t end = other;
    while (end < text.size() && !is_ascii(text[end])) ++end;
    if (base < end) append_normalized(out, text.substr(base, end - base), options);
    begin = end;
  }
  return out;
}

}  // namespace espalier
