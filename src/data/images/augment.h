#pragma once

#include <cstdint>
#include <optional>

#include "data/images/image.h"

namespace espalier {

/// A rectangle of an image, in pixels; need not lie on whole ones.
struct Crop {
  double top = 0, left = 0, height = 0, width = 0;
};

/// Random resized crops as image classifiers are trained with (Szegedy et al. 2015): an area of `least_area`
/// to 1 of the image, an aspect ratio of 3/4 to 4/3, and a horizontal flip in half of the cases.
struct Augmentation {
  double least_area = 0.25;
  bool flip = true;
};

struct AugmentDraw {
  Crop crop;
  bool flipped = false;
};

/// What is drawn for one image: a function of `key` alone.
AugmentDraw draw_augmentation(const Augmentation& augmentation, std::int64_t height, std::int64_t width,
                              std::uint64_t key);

/// The largest square in the middle.
Crop centre_square(std::int64_t height, std::int64_t width);

/// out [size, size, 3] float32: the crop, resized bilinearly (pixel centres at halves; shrinking averages
/// over the pixels that a new one covers), flipped where asked, 0..255 mapped to -1..1.
void resample(const Image& image, const Crop& crop, bool flipped, std::int64_t size, float* out);

/// The image for a model: a random crop with `augmentation`, else the centre square.
void prepare_image(const Image& image, const std::optional<Augmentation>& augmentation, std::uint64_t key,
                   std::int64_t size, float* out);

}  // namespace espalier
