#pragma once

// jpeglib.h asks for the types of stdio.h.
#include <cstdio>
// clang-format off
#include <jpeglib.h>
// clang-format on
#include <png.h>

#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

namespace espalier::fixtures {

/// A JPEG file of these pixels: 1 (grey), 3 (RGB) or 4 (CMYK) channels.
inline std::string jpeg(int height, int width, int channels, const std::vector<std::uint8_t>& pixels) {
  jpeg_compress_struct encoder{};
  jpeg_error_mgr errors{};
  encoder.err = jpeg_std_error(&errors);
  jpeg_create_compress(&encoder);
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&encoder, &bytes, &size);
  encoder.image_height = static_cast<JDIMENSION>(height);
  encoder.image_width = static_cast<JDIMENSION>(width);
  encoder.input_components = channels;
  encoder.in_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&encoder);
  jpeg_set_quality(&encoder, 100, TRUE);
  jpeg_start_compress(&encoder, TRUE);
  while (encoder.next_scanline < encoder.image_height) {
    auto* row = const_cast<std::uint8_t*>(pixels.data()) +
                static_cast<std::size_t>(encoder.next_scanline) * static_cast<std::size_t>(width * channels);
    jpeg_write_scanlines(&encoder, &row, 1);
  }
  jpeg_finish_compress(&encoder);
  jpeg_destroy_compress(&encoder);
  std::string file(reinterpret_cast<char*>(bytes), size);
  std::free(bytes);
  return file;
}

/// A PNG file; `format` is one of libpng's PNG_FORMAT_.. of 8-bit channels.
inline std::string png(int height, int width, std::uint32_t format, const std::vector<std::uint8_t>& pixels) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.height = static_cast<png_uint_32>(height);
  image.width = static_cast<png_uint_32>(width);
  image.format = format;
  png_alloc_size_t size = 0;
  if (png_image_write_to_memory(&image, nullptr, &size, 0, pixels.data(), 0, nullptr) == 0)
    throw std::runtime_error(image.message);
  std::string file(size, '\0');
  png_image_write_to_memory(&image, file.data(), &size, 0, pixels.data(), 0, nullptr);
  file.resize(size);
  return file;
}

/// height x width x 3 pixels of one colour.
inline std::vector<std::uint8_t> one_colour(int height, int width, std::uint8_t r, std::uint8_t g,
                                            std::uint8_t b) {
  std::vector<std::uint8_t> pixels;
  for (int i = 0; i < height * width; ++i) pixels.insert(pixels.end(), {r, g, b});
  return pixels;
}

/// An idx file of unsigned bytes.
inline std::string idx(const std::vector<std::uint32_t>& shape, const std::string& values) {
  std::string file{'\0', '\0', '\x08', static_cast<char>(shape.size())};
  for (const std::uint32_t size : shape)
    for (int shift = 24; shift >= 0; shift -= 8) file += static_cast<char>((size >> shift) & 255U);
  return file + values;
}

/// A record of CIFAR-10's binary layout whose planes are all r, all g and all b.
inline std::string cifar_record(int label, int r, int g, int b) {
  std::string record(1, static_cast<char>(label));
  for (const int value : {r, g, b}) record.append(1024, static_cast<char>(value));
  return record;
}

}  // namespace espalier::fixtures
