#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "surgery/layout.h"
#include "surgery/pieces.h"

namespace espalier {

/// Computes bytes [begin, begin + out.size()) of a part of a sum, some rows at a time: they are decoded,
/// added up in float32 and encoded once, whatever the format.
void compute_sum(const WeightSum& sum, std::size_t part, const Inputs& inputs, std::uint64_t begin,
                 std::span<std::byte> out);

}  // namespace espalier
