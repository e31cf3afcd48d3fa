#include "pipeline/verbs/inspect.h"

#include "pipeline/make_verb.h"

namespace espalier::pipeline {

void describe(options::OptionTable& table, InspectOptions& options) {
  table.positional("model", options.model, "MODEL", "checkpoint folder: config.json and safetensors")
      .require();
}

Inspection inspect(const InspectOptions& options, const RunContext& /*context*/) {
  return espalier::inspect(Checkpoint::open(options.model));
}

Verb inspect_verb() {
  return make_verb({"inspect", "print a checkpoint's family, sizes, experts, and what pruning would save",
                    "Example:\n  espalier inspect runs/first/model", 10},
                   inspect);
}

}  // namespace espalier::pipeline
