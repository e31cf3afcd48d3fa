#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "artifacts/bench_result.h"
#include "base/progress.h"

namespace espalier {

struct ModelBenchOptions {
  std::vector<std::filesystem::path> models;  ///< checkpoint folders of BERT-shaped encoders
  std::int64_t batch = 32;                    ///< B sequences
  std::int64_t sequence_length = 128;         ///< T tokens each
  int rounds = 7;                             ///< timed, after one that is not
  double round_seconds = 0.5;                 ///< a round repeats the forward pass for at least this long
  int threads = 1;                            ///< recorded in the result; set by infer::configure_threads
  std::uint64_t seed = 0;                     ///< of the random token ids
  ProgressSink progress;
};

/// Forward passes in evaluation mode on random tokens. Each model lives in a process of its own, so that its
/// peak memory is its own, and the models take turns round by round, so that a machine that slows down slows
/// them all. Must be called before this process has used its threads. Throws what opening a model throws.
BenchResult bench_models(const ModelBenchOptions& options);

}  // namespace espalier
