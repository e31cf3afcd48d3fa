#pragma once

#include <cstdint>

#include "artifacts/observations.h"
#include "base/progress.h"
#include "data/images/image_set.h"
#include "infer/vision.h"

namespace espalier {

/// Statistics of a vision model's experts over the tokens of labelled images (the labels are not looked at):
/// the middle square of each. A token is a patch or the class token; those of an ensemble's members all
/// count. What is counted is said at `LayerObserver`.
Observations observe_images(const infer::VisionModel& model, const ImageSet& set, std::int64_t batch,
                            const ProgressSink& progress);

}  // namespace espalier
