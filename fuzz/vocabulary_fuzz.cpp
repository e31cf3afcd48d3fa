#include <cstdlib>

#include "base/error.h"
#include "text/utf8.h"
#include "text/vocabulary_file.h"

// Whatever the bytes: a UserError, or pieces that are the same after writing and reading them.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace espalier;
  try {
    const auto pieces = parse_vocabulary({reinterpret_cast<const char*>(data), size}, "fuzz");
    std::string written;
    for (const std::string& piece : pieces) {
      if (piece.empty() || find_invalid_utf8(piece)) std::abort();
      written += piece + '\n';
    }
    try {
      if (parse_vocabulary(written, "again") != pieces) std::abort();
    } catch (const UserError&) {
      std::abort();  // what was read must be readable again
    }
  } catch (const UserError&) {
  }
  return 0;
}
