#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/progress.h"
#include "sweep/grid_runs.h"

namespace espalier {

/// What becomes of the weights a finished run leaves, which the comparison does not need.
enum class FinishedModels { kDelete, kKeep };

struct RunGridOptions {
  std::filesystem::path program;  ///< that has the verbs of the runs
  std::string program_name;       ///< how manifests spell it
  int jobs = 1;                   ///< runs at a time
  int threads = 1;                ///< of all runs together
  FinishedModels models = FinishedModels::kDelete;
  std::filesystem::path cells;  ///< where finished runs are kept, of this and other grids; or empty
  std::optional<std::uint64_t> token_budget;  ///< no run is started once so many tokens were trained on
  ProgressSink progress;
  NoteSink note;
};

struct RunFailure {
  std::string run;     ///< "rte/moe/seed-3"
  std::string reason;  ///< what it said last
  std::filesystem::path log;
};

/// Threads of each run: an equal share, at least 1.
int threads_per_run(const RunGridOptions& options);

/// Removes what the comparison does not need of a finished run: its model and training state.
void delete_weights(const std::filesystem::path& run);

/// Does what is not done yet: starts new runs, resumes stopped ones, goes on past those that fail, and
/// returns them. A run whose cell is there is done. A second pass starts when the first one is finished,
/// whose model stays until then; a first pass that left a cell alone is run again for it. Throws Interrupted
/// after Ctrl-C, when the runs have saved their states.
std::vector<RunFailure> run_grid(std::span<const GridRun> runs, const RunGridOptions& options);

}  // namespace espalier
