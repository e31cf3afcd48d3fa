#include "nn/onednn/row_parts.h"

#include <ATen/Parallel.h>

#include <algorithm>

namespace espalier::onednn {
namespace {

constexpr std::int64_t kMostRows = 256;          // of 1024 floats: the second-level cache
constexpr std::int64_t kFewestRowsAThread = 64;  // fewer: a product is not worth a thread of its own

}  // namespace

std::vector<RowPart> row_parts(std::span<const std::int32_t> offsets, int thread, int threads) {
  const std::int64_t rows = offsets.back();
  const auto begin = rows * thread / threads, end = rows * (thread + 1) / threads;
  std::vector<RowPart> parts;
  for (std::size_t e = 0; e + 1 < offsets.size(); ++e) {
    const auto first = std::max<std::int64_t>(begin, offsets[e]);
    const auto count = std::min<std::int64_t>(end, offsets[e + 1]) - first;
    const auto pieces = (count + kMostRows - 1) / kMostRows;
    for (std::int64_t p = 0; p < pieces; ++p) {
      const auto from = count * p / pieces, to = count * (p + 1) / pieces;
      parts.push_back({static_cast<std::int64_t>(e), first + from, to - from, p == 0});
    }
  }
  return parts;
}

int threads_for_rows(std::int64_t rows) {
  return static_cast<int>(std::clamp<std::int64_t>(rows / kFewestRowsAThread, 1, at::get_num_threads()));
}

void add_share(float* to, const float* from, std::int64_t count, int thread, int threads) {
  const auto end = count * (thread + 1) / threads;
  for (auto i = count * thread / threads; i < end; ++i) to[i] += from[i];
}

}  // namespace espalier::onednn
