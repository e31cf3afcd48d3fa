#include "train/onednn/row_parts.h"

#include "train/onednn/cache_sets.h"

namespace espalier::onednn {
namespace {

/// 256 rows of 1024 floats are the second-level cache. Where rows may alias, oneDNN reads the weight in place
/// for less than 384 rows, and runs at a third of its speed; equal parts of at most 768 are longer, if there
/// are that many rows.
std::int64_t most_rows() {
  return rows_may_alias() ? 768 : 256;
}

}  // namespace

std::vector<RowPart> row_parts(std::span<const std::int32_t> offsets, int thread, int threads) {
  return infer::row_parts(offsets, thread, threads, most_rows());
}

void add_share(float* to, const float* from, std::int64_t count, int thread, int threads) {
  const auto end = count * (thread + 1) / threads;
  for (auto i = count * thread / threads; i < end; ++i) to[i] += from[i];
}

}  // namespace espalier::onednn
