#include "data/images/augment.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/rng.h"

namespace espalier {
namespace {

constexpr int kAttempts = 10;
constexpr double kNarrowest = 3.0 / 4.0, kWidest = 4.0 / 3.0;

/// The pixels along one axis that a new pixel is made of, with weights that sum to 1.
struct Taps {
  std::int64_t first = 0;
  std::vector<float> weights;
};

/// A triangle filter as wide as a new pixel, at least as one old pixel (bilinear interpolation).
std::vector<Taps> taps_along(double begin, double length, std::int64_t old_size, std::int64_t size) {
  const double scale = length / static_cast<double>(size), support = std::max(1.0, scale);
  std::vector<Taps> taps(static_cast<std::size_t>(size));
  for (std::int64_t i = 0; i < size; ++i) {
    const double centre = begin + (static_cast<double>(i) + 0.5) * scale;
    const auto lowest = static_cast<std::int64_t>(std::floor(centre - support));
    const auto highest = static_cast<std::int64_t>(std::ceil(centre + support));
    Taps& tap = taps[static_cast<std::size_t>(i)];
    tap.first = std::clamp<std::int64_t>(lowest, 0, old_size - 1);
    const auto last = std::clamp<std::int64_t>(highest, 0, old_size - 1);
    tap.weights.assign(static_cast<std::size_t>(last - tap.first + 1), 0.0F);
    double sum = 0.0;
    for (std::int64_t p = lowest; p <= highest; ++p) {
      const double weight = 1.0 - std::abs(static_cast<double>(p) + 0.5 - centre) / support;
      if (weight <= 0) continue;
      sum += weight;
      // Over the edge the outermost pixel goes on.
      tap.weights[static_cast<std::size_t>(std::clamp<std::int64_t>(p, tap.first, last) - tap.first)] +=
          static_cast<float>(weight);
    }
    for (float& weight : tap.weights) weight = static_cast<float>(static_cast<double>(weight) / sum);
  }
  return taps;
}

}  // namespace

AugmentDraw draw_augmentation(const Augmentation& augmentation, std::int64_t height, std::int64_t width,
                              std::uint64_t key) {
  Rng rng(key);
  AugmentDraw draw;
  draw.flipped = augmentation.flip && rng.uniform() < 0.5;
  const auto rows = static_cast<double>(height), columns = static_cast<double>(width);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const double share = augmentation.least_area + (1.0 - augmentation.least_area) * rng.uniform();
    const double ratio =
        std::exp(std::log(kNarrowest) + (std::log(kWidest) - std::log(kNarrowest)) * rng.uniform());
    const double wide = std::sqrt(share * rows * columns * ratio),
                 high = std::sqrt(share * rows * columns / ratio);
    if (wide > columns || high > rows) continue;
    draw.crop = {(rows - high) * rng.uniform(), (columns - wide) * rng.uniform(), high, wide};
    return draw;
  }
  draw.crop = centre_square(height, width);
  return draw;
}

Crop centre_square(std::int64_t height, std::int64_t width) {
  const auto rows = static_cast<double>(height), columns = static_cast<double>(width);
  const double side = std::min(rows, columns);
  return {(rows - side) / 2, (columns - side) / 2, side, side};
}

void resample(const Image& image, const Crop& crop, bool flipped, std::int64_t size, float* out) {
  const auto rows = taps_along(crop.top, crop.height, image.height, size);
  const auto columns = taps_along(crop.left, crop.width, image.width, size);
  std::vector<float> line(static_cast<std::size_t>(image.width * 3));
  for (std::int64_t y = 0; y < size; ++y) {
    const Taps& row = rows[static_cast<std::size_t>(y)];
    std::fill(line.begin(), line.end(), 0.0F);
    for (std::size_t k = 0; k < row.weights.size(); ++k) {
      const std::uint8_t* pixels =
          image.rgb.data() +
          static_cast<std::size_t>((row.first + static_cast<std::int64_t>(k)) * image.width * 3);
      for (std::size_t i = 0; i < line.size(); ++i) line[i] += row.weights[k] * static_cast<float>(pixels[i]);
    }
    for (std::int64_t x = 0; x < size; ++x) {
      const Taps& column = columns[static_cast<std::size_t>(x)];
      float* pixel = out + (y * size + (flipped ? size - 1 - x : x)) * 3;
      for (std::int64_t c = 0; c < 3; ++c) {
        float sum = 0.0F;
        for (std::size_t k = 0; k < column.weights.size(); ++k)
          sum += column.weights[k] *
                 line[static_cast<std::size_t>((column.first + static_cast<std::int64_t>(k)) * 3 + c)];
        pixel[c] = sum / 127.5F - 1.0F;
      }
    }
  }
}

void prepare_image(const Image& image, const std::optional<Augmentation>& augmentation, std::uint64_t key,
                   std::int64_t size, float* out) {
  AugmentDraw draw{centre_square(image.height, image.width), false};
  if (augmentation) draw = draw_augmentation(*augmentation, image.height, image.width, key);
  resample(image, draw.crop, draw.flipped, size, out);
}

}  // namespace espalier
