#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "options/option_table.h"

namespace espalier {

/// Options that every verb understands, before or after the verb's name. `--config`, `--version` and `--help`
/// are the command line's own.
struct GlobalOptions {
  std::vector<std::string> command;  ///< the command line as typed
  std::optional<int> threads;        ///< default: all processors this process may run on
  std::uint64_t seed = 42;           ///< of everything random
  bool json = false;                 ///< results on stdout as JSON
  bool quiet = false;                ///< no progress and no notes on stderr
};
void describe(options::OptionTable& table, GlobalOptions& options);

/// Puts into force what concerns the whole process (the number of threads). Runs before the verb.
void apply_global_options(const GlobalOptions& options);

}  // namespace espalier
