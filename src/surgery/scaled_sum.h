#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "surgery/layout.h"
#include "surgery/pieces.h"

namespace espalier {

/// Computes bytes [begin, begin + out.size()) of a piece of kind kScaledSum or kScaleOfSum: the weighted sum
/// of FP8 matrices times their scales, in float32. Each block of the sum gets a scale of its own, the
/// smallest that lets its largest number be stored, and is rounded once. A row of blocks is in memory at a
/// time.
void compute_scaled(const OutputPiece& piece, const Inputs& inputs, std::uint64_t begin,
                    std::span<std::byte> out);

}  // namespace espalier
