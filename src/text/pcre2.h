#pragma once

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <memory>
#include <string>
#include <string_view>

namespace espalier {

template <auto Free>
struct Pcre2Deleter {
  template <class T>
  void operator()(T* value) const {
    Free(value);
  }
};
/// Owns a value of PCRE2.
template <class T, auto Free>
using Pcre2 = std::unique_ptr<T, Pcre2Deleter<Free>>;

/// Compiles PCRE2's own syntax: Unicode properties everywhere, lines end with \n, ^ and $ are of lines. Null
/// where it cannot, with PCRE2's words in `error`.
Pcre2<pcre2_code, pcre2_code_free> compile_pcre2(std::string_view expression, std::string& error);

/// PCRE2's words for one of its error numbers.
std::string pcre2_message(int error);

}  // namespace espalier
