#pragma once

#include <map>
#include <span>
#include <string>

#include "pipeline/verb.h"

namespace espalier {

// What the program asks of the folders that train. Two versions, chosen by the build: training/ where
// libtorch is there, no_training/ for the static program.

/// Verbs that train. In the static program rows without a function: their names, to say where they are.
std::span<const pipeline::Verb> training_verbs();

/// Sets the threads of everything that computes, threads > 0, and what else must be set before anything large
/// is allocated.
void start_threads(int threads);

/// Name of each tensor library -> its version; empty in the static program.
std::map<std::string, std::string> tensor_libraries();

}  // namespace espalier
