#pragma once

#include "train/pretrain.h"

namespace espalier {

/// `pretrain` of a decoder.
TrainingSummary pretrain_decoder(const PretrainOptions& options);

}  // namespace espalier
