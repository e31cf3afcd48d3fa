#pragma once

#include "cli/verb.h"

namespace espalier {

// One declaration per tensor-free verb; each lives in verb_<name>.cpp.
void add_apply(CLI::App& app, const GlobalOptions& global);
void add_check(CLI::App& app, const GlobalOptions& global);
void add_explain(CLI::App& app, const GlobalOptions& global);
void add_inspect(CLI::App& app, const GlobalOptions& global);
void add_plan(CLI::App& app, const GlobalOptions& global);
void add_prune(CLI::App& app, const GlobalOptions& global);
void add_report(CLI::App& app, const GlobalOptions& global);
void add_verify(CLI::App& app, const GlobalOptions& global);
void add_score(CLI::App& app, const GlobalOptions& global);
void add_version(CLI::App& app, const GlobalOptions& global);

}  // namespace espalier
