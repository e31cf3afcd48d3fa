#include <cstdlib>

#include "base/error.h"
#include "text/pattern.h"

// Whatever the expression: a UserError, or matches that move on.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace espalier;
  try {
    const Pattern pattern({reinterpret_cast<const char*>(data), size}, "fuzz");
    const std::string_view text = "Hello  w\u00f6rld's 123\n\u4e2d\u6587 aaaaaaaaaaab";
    std::size_t at = 0;
    while (const auto match = pattern.find(text, at)) {
      if (match->begin < at || match->end <= match->begin || match->end > text.size()) std::abort();
      at = match->end;
    }
  } catch (const UserError&) {
  }
  return 0;
}
