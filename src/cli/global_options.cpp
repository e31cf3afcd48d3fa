#include "cli/global_options.h"

#include "base/machine.h"
#include "cli/config_file.h"
#include "cli/engine.h"

namespace espalier {

void add_global_options(CLI::App& app, GlobalOptions& options) {
  const char* group = "Options of every verb";
  app.add_option("--threads", options.threads, "threads to compute with (default: all processors)")
      ->check(CLI::Range(1, 1024).description(""))
      ->type_name("N")
      ->group(group);
  app.add_option("--seed", options.seed, "seed of everything random")
      ->check(CLI::NonNegativeNumber.description(""))  // else -1 wraps around
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
  app.add_flag("--json", options.json, "print results as JSON")->group(group);
  app.add_flag("--quiet", options.quiet, "no progress, no notes")->group(group);
  app.set_config("--config", "", "read options from a TOML file; the command line wins")
      ->type_name("FILE.toml")
      ->group(group);
  app.config_formatter(std::make_shared<ConfigFile>(app));
  app.allow_config_extras(CLI::config_extras_mode::error);
  app.set_version_flag("--version", "espalier " ESPALIER_VERSION, "print the version")->group(group);
  app.set_help_flag("--help,-h", "print this help")->group(group);
}

void apply_global_options(const GlobalOptions& options) {
  start_engine(options.threads.value_or(hardware_threads()));
}

}  // namespace espalier
