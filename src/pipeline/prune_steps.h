#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "pipeline/verbs/prune.h"

namespace espalier::pipeline {

/// One verb of the whole.
struct PruneStep {
  std::string verb;
  std::vector<std::string> command;  ///< that does it alone: "espalier", "observe", ..
  std::filesystem::path result;      ///< is there when it is done; empty: it is always done again
  std::function<void(const RunContext&, PruneSummary&)> run;
};

/// The steps of a run, with the files that go from one to the next. Throws UserError for options that do not
/// go together.
std::vector<PruneStep> prune_steps(const PruneOptions& options, std::uint64_t seed);

/// The texts of --compare by their names: "wiki=texts/test.txt" has one, others have the file's up to the
/// first dot. Throws UserError.
std::map<std::string, std::string> texts_to_compare(const std::vector<std::string>& words);

/// The last one, which draws what the others left.
PruneStep report_step(const PruneOptions& options, std::uint64_t seed);

}  // namespace espalier::pipeline
