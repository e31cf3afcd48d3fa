#include <cstdlib>

#include "base/error.h"
#include "text/tokenizer_json.h"
#include "text/utf8.h"

// Whatever the bytes: a UserError, or a tokenizer that turns text into ids of its vocabulary and back.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace espalier;
  try {
    const auto tokenizer = make_json_tokenizer({reinterpret_cast<const char*>(data), size}, "fuzz", {});
    const auto ids = tokenizer->encode("Hello  w\u00f6rld's 123\n\u4e2d\u6587 <s>\xFF");
    for (const auto id : ids) {
      if (id < 0 || id >= tokenizer->vocabulary_size()) std::abort();
    }
    if (find_invalid_utf8(tokenizer->decode(ids))) std::abort();
  } catch (const UserError&) {
  }
  return 0;
}
