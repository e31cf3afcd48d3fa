#include "infer/row_parts.h"

#include <omp.h>

#include <algorithm>

namespace espalier::infer {
namespace {

constexpr std::int64_t kFewestRowsAThread = 64;
constexpr std::int64_t kLeastWork = 1 << 19;  // multiplications of a thread: 5 us, some meetings of threads

}  // namespace

std::vector<RowPart> row_parts(std::span<const std::int32_t> offsets, int thread, int threads,
                               std::int64_t most_rows) {
  const std::int64_t rows = offsets.back();
  const auto begin = rows * thread / threads, end = rows * (thread + 1) / threads;
  std::vector<RowPart> parts;
  for (std::size_t e = 0; e + 1 < offsets.size(); ++e) {
    const auto first = std::max<std::int64_t>(begin, offsets[e]);
    const auto count = std::min<std::int64_t>(end, offsets[e + 1]) - first;
    const auto pieces = (count + most_rows - 1) / most_rows;
    for (std::int64_t p = 0; p < pieces; ++p) {
      const auto from = count * p / pieces, to = count * (p + 1) / pieces;
      parts.push_back({static_cast<std::int64_t>(e), first + from, to - from, p == 0});
    }
  }
  return parts;
}

int threads_for_rows(std::int64_t rows, std::int64_t multiplications) {
  const auto worth = std::min(rows / kFewestRowsAThread, rows * multiplications / kLeastWork);
  return static_cast<int>(std::clamp<std::int64_t>(worth, 1, omp_get_max_threads()));
}

}  // namespace espalier::infer
