#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "cli/global_options.h"
#include "cli/verb.h"
#include "sweep/grid_options.h"

namespace espalier {

/// A verb as a child process will read it, without anything that runs.
class VerbCommandLine {
 public:
  explicit VerbCommandLine(std::string_view verb);
  VerbCommandLine(const VerbCommandLine&) = delete;
  VerbCommandLine& operator=(const VerbCommandLine&) = delete;

  /// The options that it takes.
  std::vector<GridOption> options() const;
  /// Throws UserError that begins with `run` for a value that an option does not take. `words`: the program's
  /// name, the verb, ..
  void check(const std::string& run, const std::vector<std::string>& words);

 private:
  GlobalOptions global_;
  options::OptionTable everywhere_;
  CLI::App app_;
  CLI::App* verb_;
};

}  // namespace espalier
