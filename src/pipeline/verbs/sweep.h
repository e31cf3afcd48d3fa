#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "pipeline/verb.h"
#include "sweep/run_grid.h"

namespace espalier::pipeline {

/// A grid of settings x tasks x seeds of `finetune`, or of methods x shares kept x texts x seeds of `prune`.
struct SweepOptions {
  std::filesystem::path grid;   ///< TOML (docs/formats/sweep.md)
  std::filesystem::path out;    ///< run folders and tables; finished runs in it are not repeated
  int jobs = 1;                 ///< runs of finetune at a time
  std::filesystem::path cells;  ///< where finished runs of finetune are kept as small files; or empty
  bool dry_run = false;         ///< say the commands, run nothing
  bool summary = false;         ///< only the tables of what is finished
  FinishedModels models = FinishedModels::kDelete;
};
void describe(options::OptionTable& table, SweepOptions& options);

struct SweepSummary {
  std::vector<std::string> commands;  ///< of a dry run
  std::string json, markdown;         ///< the tables of the runs that are finished
};
nlohmann::ordered_json to_json(const SweepSummary& summary);
std::string to_text(const SweepSummary& summary);

/// Runs what is not done yet and compares what is finished; of methods alone (training/verbs/sweep.h has
/// both). Throws UserError for a grid with a mistake before anything starts, and after the tables are written
/// when runs failed; Interrupted after Ctrl-C.
SweepSummary sweep(const SweepOptions& options, const RunContext& context);

Verb sweep_verb();

}  // namespace espalier::pipeline
