#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace espalier {

/// "espalier tokenizer train"
std::string path_of(const CLI::App& app);

/// Names of the verbs below `app`.
std::vector<std::string> subcommand_names(const CLI::App& app);

/// Long names of the options of `app` and of every verb, without the dashes.
std::vector<std::string> option_names(const CLI::App& app);

/// "did you mean 'steps'?" where one of `known` is near `word`, else `otherwise`.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known, std::string otherwise);

/// "`espalier plan --help` lists what it takes", of the verb that was reached from `app` on.
std::string help_hint(const CLI::App& app);

/// What is wrong with the command line, in our words: an unknown verb or option first (whatever CLI11
/// stumbled over, that is the cause), else CLI11's message.
UserError usage_error(const CLI::App& root, const CLI::ParseError& error);

/// A verb is required.
UserError missing_verb(const CLI::App& root);

}  // namespace espalier
