#pragma once

#include <cstdint>

namespace espalier {

/// Where training stands in its data; part of a training checkpoint.
struct CorpusCursor {
  std::uint64_t epoch = 0;
  std::uint64_t next = 0;  ///< index into the epoch's order

  bool operator==(const CorpusCursor&) const = default;
};

}  // namespace espalier
