#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "infer/row_parts.h"

namespace espalier::onednn {

using infer::RowPart;
using infer::threads_for_rows;

/// `infer::row_parts` of as many rows as oneDNN's products like.
std::vector<RowPart> row_parts(std::span<const std::int32_t> offsets, int thread, int threads);

/// This thread's part of to[i] += from[i], i < count; together the threads of a team add everything.
void add_share(float* to, const float* from, std::int64_t count, int thread, int threads);

}  // namespace espalier::onednn
