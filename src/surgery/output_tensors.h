#pragma once

#include <vector>

#include "surgery/layout.h"

namespace espalier {

/// Every tensor of the result with the bytes it is made of, in the order of the input's files.
std::vector<OutputTensor> output_tensors(const Checkpoint& checkpoint, const Surgery& surgery);

}  // namespace espalier
