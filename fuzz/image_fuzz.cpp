#include <cstdlib>

#include "base/error.h"
#include "data/images/image.h"

// A UserError, or an image that holds as many bytes as its sides say.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace espalier;
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  try {
    const Image image = decode_image(bytes, "fuzz");
    if (image.rgb.size() != static_cast<std::size_t>(image.height * image.width * 3)) std::abort();
  } catch (const UserError&) {
  }
  return 0;
}
