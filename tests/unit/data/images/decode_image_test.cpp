#include <gtest/gtest.h>

#include "data/images/image.h"
#include "unit/base/user_error.h"
#include "written_images.h"

namespace espalier {
namespace {

using namespace fixtures;

Image decode(const std::string& file) {
  return decode_image(std::as_bytes(std::span(file)), "a.img");
}

/// A gradient that JPEG keeps to within its rounding.
std::vector<std::uint8_t> gradient(int height, int width, int channels) {
  std::vector<std::uint8_t> pixels;
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < channels; ++c) pixels.push_back(static_cast<std::uint8_t>(60 + 4 * x + 3 * y));
  return pixels;
}

constexpr int kJpegRounding = 4;  // of 255, at quality 100

TEST(DecodeImage, JpegInColourAndGrey) {
  for (const int channels : {1, 3}) {
    const Image image = decode(jpeg(9, 14, channels, gradient(9, 14, channels)));
    ASSERT_EQ(image.height, 9);
    ASSERT_EQ(image.width, 14);
    const auto expected = gradient(9, 14, 3);
    ASSERT_EQ(image.rgb.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(image.rgb[i], expected[i], kJpegRounding) << channels << " channels, value " << i;
  }
}

TEST(DecodeImage, ChannelsAreInOrder) {
  const Image image = decode(jpeg(8, 8, 3, one_colour(8, 8, 200, 90, 30)));
  EXPECT_NEAR(image.rgb[0], 200, kJpegRounding);
  EXPECT_NEAR(image.rgb[1], 90, kJpegRounding);
  EXPECT_NEAR(image.rgb[2], 30, kJpegRounding);
}

TEST(DecodeImage, PngIsExact) {
  const auto pixels = gradient(5, 7, 3);
  EXPECT_EQ(decode(png(5, 7, PNG_FORMAT_RGB, pixels)).rgb, pixels);
}

TEST(DecodeImage, GreyPngFillsAllChannels) {
  const Image image = decode(png(5, 7, PNG_FORMAT_GRAY, gradient(5, 7, 1)));
  EXPECT_EQ(image.rgb, gradient(5, 7, 3));
}

TEST(DecodeImage, TransparentPixelsLieOnBlack) {
  const Image image = decode(png(1, 2, PNG_FORMAT_RGBA, {10, 20, 30, 255, 10, 20, 30, 0}));
  EXPECT_EQ(image.rgb, (std::vector<std::uint8_t>{10, 20, 30, 0, 0, 0}));
}

TEST(DecodeImage, EveryCutIsAUserError) {
  const std::string photo = jpeg(16, 16, 3, gradient(16, 16, 3));
  const std::string drawing = png(16, 16, PNG_FORMAT_RGB, gradient(16, 16, 3));
  for (const std::string& file : {photo, drawing}) {
    for (std::size_t size = 0; size + 20 < file.size(); size += 7)
      expect_user_error([&] { decode(file.substr(0, size)); }, {"a.img: "});
    expect_user_error([&] { decode(file.substr(0, file.size() / 2)); }, {"damaged or cut short"});
  }
}

TEST(DecodeImage, OtherFilesAreUserErrors) {
  expect_user_error([] { decode("GIF89a"); }, {"a.img: the format is not known", "JPEG or PNG"});
  expect_user_error([] { decode(""); }, {"the file is empty"});
  expect_user_error([] { decode(jpeg(8, 8, 4, gradient(8, 8, 4))); }, {"four colours (CMYK)", "convert it"});
  const std::string wide = png(1, 16385, PNG_FORMAT_GRAY, std::vector<std::uint8_t>(16385));
  expect_user_error([&] { decode(wide); }, {"16385 x 1 pixels", "16384"});
}

}  // namespace
}  // namespace espalier
