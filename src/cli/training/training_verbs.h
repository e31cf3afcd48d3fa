#pragma once

#include "cli/verb.h"

namespace espalier {

// The verbs that train, a source file each.
void add_finetune(CLI::App& app, const GlobalOptions& global);
void add_pretrain(CLI::App& app, const GlobalOptions& global);

}  // namespace espalier
