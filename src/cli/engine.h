#pragma once

#include <map>
#include <span>
#include <string>

#include "cli/verb.h"

namespace espalier {

// What the program asks of the folders that run models. Two versions, chosen by the build:
// engine/ where libtorch is there, no_engine/ for the tensor-free build.

/// Verbs that need a model to run.
std::span<const Verb> engine_verbs();

/// Sets the threads of every kernel library, threads > 0, and what else must be set before the first tensor.
void start_engine(int threads);

/// Versions of the tensor libraries: "torch" -> "1.13.0".
std::map<std::string, std::string> engine_libraries();

}  // namespace espalier
