#pragma once

#include <cstdint>

#include "artifacts/observations.h"
#include "base/progress.h"
#include "checkpoint/checkpoint.h"
#include "data/images/image_set.h"
#include "model/vmoe.h"

namespace espalier {

/// Statistics of a vision model's experts over the tokens of labelled images (the labels are not looked at):
/// the middle square of each, in evaluation mode. A token is a patch or the class token; those of an
/// ensemble's members all count. Of a model whose router keeps rows of pruned experts, experts have the
/// numbers of the model, and what went to pruned ones is counted nowhere.
///
/// "Routed" is before capacity. Where experts choose, it is what they took; a token's best expert is then the
/// one of its largest probability among those that took it, and there is none for a token that nobody took.
Observations observe_images(const VmoeModel& model, const Checkpoint& checkpoint, const ImageSet& set,
                            std::int64_t batch, Backend backend, const ProgressSink& progress);

}  // namespace espalier
