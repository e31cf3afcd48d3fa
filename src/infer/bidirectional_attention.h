#pragma once

#include <cstdint>

#include "infer/sequence_layout.h"

namespace espalier::infer {

/// Bidirectional multi-head attention inside each sequence, scores scaled by 1/sqrt(D/H) (Vaswani et al.
/// 2017): qkv [N, 3D] (query, key, value side by side) -> out [N, D]. Whole sequences and heads go to
/// threads: memory is O(T^2) per thread.
void bidirectional_attention(const SequenceLayout& layout, std::int64_t heads, std::int64_t D,
                             const float* qkv, float* out);

}  // namespace espalier::infer
