#pragma once

#include <CLI/CLI.hpp>

#include "cli/global_options.h"
#include "options/option_table.h"
#include "pipeline/verb.h"

namespace espalier {

/// The command line as a view of a table of options: declares them on `app`, without a place for their
/// values.
void declare_options(CLI::App& app, const options::OptionTable& table);

/// Hands what was read (from the command line or the config file) to the table. Throws UserError for a value
/// that an option does not take; the hint is the table's or `--help`.
void read_options(const CLI::App& app, options::OptionTable& table);

/// Declares a verb on `app`; its callback runs it and prints the result. All arguments outlive the callback.
void declare_verb(CLI::App& app, const GlobalOptions& global, const pipeline::Verb& verb);

}  // namespace espalier
