#pragma once

#include <cstdint>

#include "pipeline/verbs/prune.h"

namespace espalier::pipeline {

/// What can be known of a run before its first second of work: its texts are there, the target can be met
/// whatever the scores will be, the result can be written in the model's format. Throws UserError.
void check_prune(const PruneOptions& options, std::uint64_t seed);

}  // namespace espalier::pipeline
