#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace espalier {

/// A decoded image: red, green and blue of each pixel, row after row.
struct Image {
  std::int64_t height = 0, width = 0;
  std::vector<std::uint8_t> rgb;  // [height, width, 3]
};

/// Largest side that is decoded: a header that lies must not take all memory.
constexpr std::int64_t kLargestImageSide = 16384;

/// Decodes a JPEG or PNG file, told by its first bytes. Grey and palette images become RGB, 16-bit channels
/// 8-bit ones, transparent pixels lie on black. Throws UserError beginning with `source` for other formats,
/// files that are damaged or cut short, CMYK and images with a side over `kLargestImageSide`.
Image decode_image(std::span<const std::byte> bytes, std::string_view source);

/// The two formats (libjpeg-turbo, libpng).
Image decode_jpeg(std::span<const std::byte> bytes, std::string_view source);
Image decode_png(std::span<const std::byte> bytes, std::string_view source);

}  // namespace espalier
