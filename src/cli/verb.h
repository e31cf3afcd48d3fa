#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <span>
#include <string>

#include "cli/global_options.h"

namespace espalier {

/// One verb of the program. `add` declares its options on `app` and sets `app.callback(..)`, which runs after
/// the whole command line and the config file are read. Both arguments outlive the callback.
struct Verb {
  std::string name;
  std::string line;  ///< for `espalier --help`, no full stop
  std::function<void(CLI::App& app, const GlobalOptions& global)> add;
};

/// Every verb of this build: those of pipeline/, those that run models, and those that train.
std::span<const Verb> verbs();

}  // namespace espalier
