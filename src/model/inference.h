#pragma once

#include "infer/encoder.h"
#include "infer/vision.h"
#include "model/bert.h"
#include "model/vmoe.h"

namespace espalier {

/// The model for evaluation; it shares the weights, and sees what training makes of them.
infer::EncoderModel encoder_of(const BertModel& model);
infer::VisionModel vision_of(const VmoeModel& model);

}  // namespace espalier
