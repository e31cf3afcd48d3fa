#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace espalier {

/// The library never prints. Long work reports through this; the program draws it on stderr.
struct Progress {
  std::string_view what;      ///< "tokenizing", "pretraining"
  std::uint64_t done = 0;     ///< in `unit`s
  std::uint64_t total = 0;    ///< 0 where unknown
  std::string_view unit;      ///< "bytes", "steps", "tokens"
  std::string_view detail{};  ///< e.g. "loss 3.21, 12,300 tokens/s"
};
using ProgressSink = std::function<void(const Progress&)>;

/// One-line notes for people ("cache is stale: rebuilding"); warnings too.
using NoteSink = std::function<void(std::string_view)>;

}  // namespace espalier
