#pragma once

#include "cli/verb.h"

namespace espalier {

// One declaration per tensor-free verb; each lives in verb_<name>.cpp.
void add_prune(CLI::App& app, const GlobalOptions& global);

}  // namespace espalier
