#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/files.h"
#include "surgery/layout.h"

namespace espalier {

/// The input files of a layout, open.
using Inputs = std::vector<InputFile>;
Inputs open_inputs(const Layout& layout);

constexpr std::size_t kPieceBytes = 4 << 20;  // held in memory at a time

/// Computes bytes [begin, begin + out.size()) of a piece that is not copied. `begin` and the size are
/// multiples of the dtype's.
void compute(const OutputPiece& piece, Dtype dtype, const Inputs& inputs, std::uint64_t begin,
             std::span<std::byte> out);

}  // namespace espalier
