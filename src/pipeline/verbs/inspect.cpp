#include "pipeline/verbs/inspect.h"

#include "pipeline/make_verb.h"

namespace espalier::pipeline {

void describe(options::OptionTable& table, InspectOptions& options) {
  table.positional("model", options.model, "MODEL", "checkpoint folder: config.json and safetensors")
      .require();
  table.flag("tokenizer", options.tokenizer,
             "its tokenizer instead, and what was taken from the files beside it");
}

nlohmann::json to_json(const InspectSummary& summary) {
  return summary.model ? to_json(*summary.model) : to_json(*summary.tokenizer);
}

std::string to_text(const InspectSummary& summary) {
  return summary.model ? to_text(*summary.model) : to_text(*summary.tokenizer);
}

InspectSummary inspect(const InspectOptions& options, const RunContext& /*context*/) {
  if (options.tokenizer) return {{}, inspect_tokenizer(options.model)};
  return {espalier::inspect(Checkpoint::open(options.model)), {}};
}

Verb inspect_verb() {
  return make_verb({"inspect", "print a checkpoint's family, sizes, experts, and what pruning would save",
                    "Example:\n  espalier inspect runs/first/model", 10},
                   inspect);
}

}  // namespace espalier::pipeline
