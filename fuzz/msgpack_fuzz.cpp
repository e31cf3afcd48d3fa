#include <cstdlib>

#include "base/error.h"
#include "checkpoint/msgpack.h"

// A UserError, or a value whose byte strings lie within the input.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace espalier;
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  try {
    const MsgpackValue value = parse_msgpack(bytes, "fuzz");
    if (const auto* extension = value.find_extension())
      if (extension->bytes.size() > size) std::abort();
  } catch (const UserError&) {
  }
  return 0;
}
