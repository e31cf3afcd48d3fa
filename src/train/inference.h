#pragma once

#include "infer/encoder.h"
#include "infer/vision.h"
#include "train/transformer.h"

namespace espalier::train {

/// The model for evaluation; it shares the weights, and sees what training makes of them.
infer::EncoderModel encoder_of(const Transformer& model);
infer::VisionModel vision_of(const Transformer& model);

}  // namespace espalier::train
