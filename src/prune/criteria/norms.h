#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "checkpoint/checkpoint.h"

namespace espalier {

/// [E] sum of the squares of each of the `parts` equal blocks of a tensor along axis 0, in float64: rows of a
/// router, experts of a stacked tensor; `parts` 1 takes the whole. Reads in pieces of a few hundred KB.
///
/// FP8 is multiplied with its scales first, which stand beside it as NAME_scale_inv or NAME_scale: one for
/// the tensor, one for each row, or one for each block of `quantization_config.weight_block_size` (128 x
/// 128).
///
/// Throws UserError for packed integers and for FP8 without scales.
std::vector<double> square_sums(const Checkpoint& checkpoint, std::string_view tensor, std::size_t parts);

}  // namespace espalier
