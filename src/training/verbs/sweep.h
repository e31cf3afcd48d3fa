#pragma once

#include <string>

#include "pipeline/sweeps.h"
#include "pipeline/verb.h"

namespace espalier::training {

/// Runs of `finetune`, settings x tasks x seeds. Each is a child process, started with the command line that
/// its Options make: one that is killed or runs out of memory takes no other with it, and several run at a
/// time. Throws UserError for a grid with a mistake before anything starts.
pipeline::PreparedSweep prepare_settings(const std::string& toml, const pipeline::SweepOptions& options,
                                         const pipeline::RunContext& context);

/// Grids of settings and of methods (pipeline/verbs/sweep.h).
pipeline::SweepSummary sweep(const pipeline::SweepOptions& options, const pipeline::RunContext& context);

/// Takes the place of the row of pipeline/.
pipeline::Verb sweep_verb();

}  // namespace espalier::training
