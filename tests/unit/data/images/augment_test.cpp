#include "data/images/augment.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"

namespace espalier {
namespace {

Image random_image(std::int64_t height, std::int64_t width) {
  Image image{height, width, {}};
  Rng rng(5);
  for (std::int64_t i = 0; i < height * width * 3; ++i)
    image.rgb.push_back(static_cast<std::uint8_t>(rng.below(256)));
  return image;
}

std::vector<float> resampled(const Image& image, const Crop& crop, bool flipped, std::int64_t size) {
  std::vector<float> out(static_cast<std::size_t>(size * size * 3));
  resample(image, crop, flipped, size, out.data());
  return out;
}

constexpr float kRounding = 1e-5F;  // of values from -1 to 1

TEST(Augment, TheSameSizeIsTheSameImage) {
  const Image image = random_image(6, 6);
  const auto out = resampled(image, {0, 0, 6, 6}, false, 6);
  for (std::size_t i = 0; i < out.size(); ++i)
    EXPECT_NEAR(out[i], static_cast<float>(image.rgb[i]) / 127.5F - 1.0F, kRounding);
}

TEST(Augment, FlippedIsMirrored) {
  const Image image = random_image(8, 9);
  const auto plain = resampled(image, {1, 2, 5, 6}, false, 4),
             flipped = resampled(image, {1, 2, 5, 6}, true, 4);
  for (std::size_t y = 0; y < 4; ++y)
    for (std::size_t x = 0; x < 4; ++x)
      for (std::size_t c = 0; c < 3; ++c)
        EXPECT_EQ(flipped[(y * 4 + x) * 3 + c], plain[(y * 4 + 3 - x) * 3 + c]);
}

/// Twice as large: the classic weights 1/4 and 3/4, and the edge goes on.
TEST(Augment, EnlargingIsBilinear) {
  const Image image{1, 2, {0, 0, 0, 255, 255, 255}};
  const auto out = resampled(image, {0, 0, 1, 2}, false, 4);
  const float expected[] = {-1.0F, -0.5F, 0.5F, 1.0F};
  for (std::size_t x = 0; x < 4; ++x) EXPECT_NEAR(out[x * 3], expected[x], kRounding);
}

/// Shrinking by a whole factor keeps the mean of an image whose edges are of one colour.
TEST(Augment, ShrinkingUsesEveryPixel) {
  Image image{8, 8, std::vector<std::uint8_t>(8 * 8 * 3, 0)};
  image.rgb[(3 * 8 + 4) * 3] = 255;
  const auto out = resampled(image, {0, 0, 8, 8}, false, 2);
  float sum = 0;
  for (std::size_t i = 0; i < 4; ++i) sum += out[i * 3] + 1.0F;
  EXPECT_NEAR(sum, 2.0F / 16.0F, kRounding);
}

TEST(Augment, DrawsAreOfTheKeyAndInside) {
  const Augmentation augmentation{.least_area = 0.2};
  int flips = 0;
  double least = 1.0, most = 0.0;
  for (std::uint64_t key = 0; key < 400; ++key) {
    const auto draw = draw_augmentation(augmentation, 30, 40, key),
               again = draw_augmentation(augmentation, 30, 40, key);
    EXPECT_EQ(draw.crop.top, again.crop.top);
    EXPECT_EQ(draw.flipped, again.flipped);
    EXPECT_GE(draw.crop.top, 0);
    EXPECT_GE(draw.crop.left, 0);
    EXPECT_LE(draw.crop.top + draw.crop.height, 30.0 + 1e-9);
    EXPECT_LE(draw.crop.left + draw.crop.width, 40.0 + 1e-9);
    const double area = draw.crop.height * draw.crop.width / 1200.0,
                 ratio = draw.crop.width / draw.crop.height;
    EXPECT_GE(area, 0.2 - 1e-9);
    EXPECT_GE(ratio, 0.75 - 1e-9);
    EXPECT_LE(ratio, 4.0 / 3.0 + 1e-9);
    least = std::min(least, area);
    most = std::max(most, area);
    flips += draw.flipped ? 1 : 0;
  }
  EXPECT_LT(least, 0.3);
  EXPECT_GT(most, 0.8);
  EXPECT_GT(flips, 150);
  EXPECT_LT(flips, 250);
}

TEST(Augment, WithoutAugmentationTheMiddleIsTaken) {
  const Image image = random_image(4, 8);
  std::vector<float> out(4 * 4 * 3);
  prepare_image(image, std::nullopt, 1, 4, out.data());
  EXPECT_EQ(out, resampled(image, {0, 2, 4, 4}, false, 4));
}

}  // namespace
}  // namespace espalier
