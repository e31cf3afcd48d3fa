#pragma once

#include <span>
#include <string>

#include "cli/verb.h"

namespace espalier {

// What the program asks of the folders that run models. Two versions, chosen by the build:
// engine/ where libtorch is there, no_engine/ for the tensor-free build.

/// Verbs that need a model to run.
std::span<const Verb> engine_verbs();

/// Sets the threads of every kernel library; n > 0.
void set_engine_threads(int n);

/// Versions of the tensor libraries, or "none".
std::string engine_libraries();

}  // namespace espalier
