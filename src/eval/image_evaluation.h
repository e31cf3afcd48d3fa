#pragma once

#include <cstdint>
#include <vector>

#include "base/progress.h"
#include "data/images/image_set.h"
#include "infer/vision.h"

namespace espalier {

struct ImageEvaluation {
  double loss = 0.0;      ///< mean cross entropy, nats; of ensembles that of the averaged prediction
  double accuracy = 0.0;  ///< share of the images whose class is the most probable one
  double images_per_second = 0.0;
  std::vector<std::int64_t> predictions;  // [images]
};

/// All images in their order, the middle square of each. Throws UserError where the classes are not the
/// model's.
ImageEvaluation evaluate_images(const infer::VisionModel& model, const ImageSet& set, std::int64_t batch,
                                const ProgressSink& progress = {});

}  // namespace espalier
