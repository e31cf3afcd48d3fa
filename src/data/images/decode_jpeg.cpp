// jpeglib.h asks for the types of stdio.h.
#include <cstdio>
// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include <fmt/format.h>

#include <array>
#include <csetjmp>
#include <string>

#include "base/error.h"
#include "data/images/image.h"

namespace espalier {
namespace {

/// libjpeg reports through callbacks; an error jumps back to the decoder.
struct Failure {
  jpeg_error_mgr manager;  // first, so that libjpeg's pointer is ours
  std::jmp_buf jump;
  std::array<char, JMSG_LENGTH_MAX> message;
};

Failure& failure_of(j_common_ptr decoder) {
  return *reinterpret_cast<Failure*>(decoder->err);
}

[[noreturn]] void jump_back(j_common_ptr decoder) {
  Failure& failure = failure_of(decoder);
  decoder->err->format_message(decoder, failure.message.data());
  std::longjmp(failure.jump, 1);
}

/// libjpeg fills what is missing of a file that is cut short with grey and goes on; such an image is no data.
void on_message(j_common_ptr decoder, int level) {
  const int code = decoder->err->msg_code;
  if (level < 0 && (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER)) jump_back(decoder);
}

enum class Outcome { kDone, kFailed, kCmyk, kTooLarge };

/// Nothing with a destructor lives in here: an error jumps out of it.
Outcome decode(jpeg_decompress_struct& decoder, Failure& failure, std::span<const std::byte> bytes,
               Image& image) {
  if (setjmp(failure.jump) != 0) return Outcome::kFailed;
  jpeg_mem_src(&decoder, reinterpret_cast<const unsigned char*>(bytes.data()),
               static_cast<unsigned long>(bytes.size()));
  jpeg_read_header(&decoder, TRUE);
  if (decoder.num_components == 4) return Outcome::kCmyk;
  image.height = decoder.image_height;
  image.width = decoder.image_width;
  if (image.height > kLargestImageSide || image.width > kLargestImageSide) return Outcome::kTooLarge;
  decoder.out_color_space = JCS_RGB;
  jpeg_start_decompress(&decoder);
  image.rgb.resize(static_cast<std::size_t>(image.height * image.width * 3));
  while (decoder.output_scanline < decoder.output_height) {
    JSAMPROW row = image.rgb.data() + static_cast<std::size_t>(decoder.output_scanline) *
                                          static_cast<std::size_t>(image.width) * 3;
    jpeg_read_scanlines(&decoder, &row, 1);
  }
  jpeg_finish_decompress(&decoder);
  return Outcome::kDone;
}

}  // namespace

Image decode_jpeg(std::span<const std::byte> bytes, std::string_view source) {
  jpeg_decompress_struct decoder{};
  Failure failure{};
  decoder.err = jpeg_std_error(&failure.manager);
  failure.manager.error_exit = jump_back;
  failure.manager.emit_message = on_message;
  jpeg_create_decompress(&decoder);
  Image image;
  const Outcome outcome = decode(decoder, failure, bytes, image);
  jpeg_destroy_decompress(&decoder);
  if (outcome == Outcome::kDone) return image;
  if (outcome == Outcome::kCmyk)
    throw UserError(fmt::format("{}: the JPEG image has four colours (CMYK), expected grey or RGB", source),
                    "convert it to RGB");
  if (outcome == Outcome::kTooLarge)
    throw UserError(fmt::format("{}: the image has {} x {} pixels, expected sides up to {}", source,
                                image.width, image.height, kLargestImageSide),
                    "scale it down");
  throw UserError(fmt::format("{}: damaged or cut short: {}", source, failure.message.data()),
                  "fetch the file again, or take it out");
}

}  // namespace espalier
