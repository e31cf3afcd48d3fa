#pragma once

#include <string>

#include "checkpoint/checkpoint.h"

namespace espalier {

/// SHA-256 of the bytes of a checkpoint's safetensors files, which a run's options name its starting weights
/// by.
std::string weights_hash(const Checkpoint& checkpoint);

}  // namespace espalier
