#include "cli/global_options.h"

#include "base/machine.h"
#include "cli/training.h"

namespace espalier {

void describe(options::OptionTable& table, GlobalOptions& options) {
  const char* heading = "Options of every verb";
  table.add("threads", options.threads, "N", "threads to compute with (default: all processors)")
      .between(1, 1024)
      .under(heading);
  table.add("seed", options.seed, "N", "seed of everything random").under(heading);
  table.flag("json", options.json, "print results as JSON").under(heading);
  table.flag("quiet", options.quiet, "no progress, no notes").under(heading);
}

void apply_global_options(const GlobalOptions& options) {
  start_threads(options.threads.value_or(hardware_threads()));
}

}  // namespace espalier
