#include <fmt/format.h>

#include <array>
#include <cstring>

#include "base/error.h"
#include "data/images/image.h"

namespace espalier {
namespace {

template <std::size_t N>
bool begins_with(std::span<const std::byte> bytes, const std::array<unsigned char, N>& magic) {
  return bytes.size() >= N && std::memcmp(bytes.data(), magic.data(), N) == 0;
}

constexpr std::array<unsigned char, 3> kJpeg{0xFF, 0xD8, 0xFF};
constexpr std::array<unsigned char, 8> kPng{0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

}  // namespace

Image decode_image(std::span<const std::byte> bytes, std::string_view source) {
  if (begins_with(bytes, kJpeg)) return decode_jpeg(bytes, source);
  if (begins_with(bytes, kPng)) return decode_png(bytes, source);
  throw UserError(fmt::format("{}: {}, expected a JPEG or PNG image", source,
                              bytes.empty() ? "the file is empty" : "the format is not known"),
                  "convert it, or move it out of the class folders");
}

}  // namespace espalier
