#pragma once

#include <cstdint>
#include <vector>

namespace espalier {

/// Where training stands in its data; part of a training checkpoint.
struct CorpusCursor {
  std::uint64_t epoch = 0;
  std::uint64_t next = 0;  ///< index into the epoch's order

  bool operator==(const CorpusCursor&) const = default;
};

/// 0 to count-1, shuffled (Fisher-Yates): a function of the seed and the epoch, whatever ran before.
std::vector<std::uint32_t> epoch_order(std::uint64_t seed, std::uint64_t epoch, std::size_t count);

}  // namespace espalier
