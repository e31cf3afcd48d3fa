#pragma once

#include "surgery/layout.h"
#include "surgery/pieces.h"

namespace espalier {

/// Bytes [begin, begin + out.size()) of a part of what a conversion writes. Numbers are decoded to float32
/// and rounded once to the new format; about 2^18 of them, or what does not come apart, are in memory at a
/// time.
void compute_conversion(const Conversion& conversion, std::size_t part, const Inputs& inputs,
                        std::uint64_t begin, std::span<std::byte> out);

/// Rows first .. first + count of what is written, before it is rounded.
void read_converted(const Conversion& conversion, const Inputs& inputs, std::int64_t first,
                    std::int64_t count, float* to);

}  // namespace espalier
