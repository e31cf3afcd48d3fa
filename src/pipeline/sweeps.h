#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "artifacts/figures.h"
#include "pipeline/verbs/sweep.h"
#include "sweep/grid_runs.h"

namespace espalier::pipeline {

/// Of the runs that are finished.
struct SweepTables {
  std::string json, markdown;
  std::vector<Figure> figures = {};
  std::map<std::string, std::string> csv = {};  ///< name of a file of OUT -> its content
  bool complete = false;                        ///< of all runs
};

/// What a grid comes to.
struct PreparedSweep {
  std::vector<GridRun> runs;
  std::vector<std::string> commands;  ///< as a shell reads them, finished ones as comments
  /// Does what is not done yet; those that failed.
  std::function<std::vector<RunFailure>(const RunContext& context)> run;
  std::function<SweepTables(const std::string& title)> tables;
};

/// Methods x shares kept x texts x seeds of `prune`, one after the other in this process, with all threads.
PreparedSweep prepare_methods(const std::string& toml, const SweepOptions& options,
                              const RunContext& context);

/// What makes runs of a grid of settings; only programs that train have one.
using PrepareSettings = PreparedSweep (*)(const std::string& toml, const SweepOptions& options,
                                          const RunContext& context);

/// Runs a grid of either kind. Throws UserError for one of settings where `settings` is null.
SweepSummary sweep_grid(const SweepOptions& options, const RunContext& context, PrepareSettings settings);

/// The program as messages and manifests spell it.
std::string program_name(const RunContext& context);

}  // namespace espalier::pipeline
