#pragma once

#include <string_view>
#include <vector>

#include "checkpoint/checkpoint.h"

namespace espalier {

/// [parts] sum of the squares of each of the equal blocks of a weight along axis 0, in float64: rows of a
/// router, experts of a stacked tensor; `parts` 1 takes the whole. Decodes pieces of a few hundred KB, in
/// whatever format the weight is stored. Throws UserError for one that can only be counted, and where scales
/// are missing.
std::vector<double> square_sums(const Checkpoint& checkpoint, std::string_view weight, std::size_t parts);

}  // namespace espalier
