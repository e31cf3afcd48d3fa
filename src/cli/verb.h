#pragma once

#include <CLI/CLI.hpp>
#include <span>
#include <string_view>

#include "cli/global_options.h"

namespace espalier {

/// One verb of the program. `add` declares its options on `app` and sets `app.callback(..)`, which runs after
/// the whole command line and the config file are read. Both arguments outlive the callback.
///
/// To add a verb: src/cli/verb_<name>.cpp, its declaration and a line in the table of src/cli/verbs.cpp (or
/// src/cli/engine/verbs.cpp when it runs a model), a row in docs/verbs.md, and a test in
/// tests/cli/<name>_test.cpp. A test walks the table and fails where a piece is missing.
struct Verb {
  std::string_view name;
  std::string_view summary;  ///< one line for `espalier --help`, no full stop
  void (*add)(CLI::App& app, const GlobalOptions& global);
};

/// Every verb of this build: the tensor-free ones, then those of the engine.
std::span<const Verb> verbs();

}  // namespace espalier
