#include <fmt/format.h>
#include <png.h>

#include "base/error.h"
#include "data/images/image.h"

namespace espalier {
namespace {

/// Frees what libpng holds of a picture, however it ends.
struct Reader {
  png_image png{};
  Reader() { png.version = PNG_IMAGE_VERSION; }
  ~Reader() { png_image_free(&png); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
};

[[noreturn]] void fail(std::string_view source, const char* message) {
  throw UserError(fmt::format("{}: damaged or cut short: {}", source, message),
                  "fetch the file again, or take it out");
}

}  // namespace

Image decode_png(std::span<const std::byte> bytes, std::string_view source) {
  Reader reader;
  if (png_image_begin_read_from_memory(&reader.png, bytes.data(), bytes.size()) == 0)
    fail(source, reader.png.message);
  Image image{static_cast<std::int64_t>(reader.png.height), static_cast<std::int64_t>(reader.png.width), {}};
  if (image.height > kLargestImageSide || image.width > kLargestImageSide)
    throw UserError(fmt::format("{}: the image has {} x {} pixels, expected sides up to {}", source,
                                image.width, image.height, kLargestImageSide),
                    "scale it down");
  reader.png.format = PNG_FORMAT_RGB;
  image.rgb.resize(static_cast<std::size_t>(image.height * image.width * 3));
  const png_color black{0, 0, 0};
  if (png_image_finish_read(&reader.png, &black, image.rgb.data(), 0, nullptr) == 0)
    fail(source, reader.png.message);
  return image;
}

}  // namespace espalier
