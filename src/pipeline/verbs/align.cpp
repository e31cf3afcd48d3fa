#include "pipeline/verbs/align.h"

#include <fmt/format.h>

#include "observe/align_plan.h"
#include "pipeline/language_model.h"
#include "pipeline/make_verb.h"

namespace espalier::pipeline {

void describe(options::OptionTable& table, AlignOptions& options) {
  table.positional("plan", options.plan, "PLAN", "a plan that merges experts").require();
  table.positional("model", options.model, "MODEL", "the model it was made for").require();
  table.add("out", options.out, "FILE", "the plan with orders of neurons, JSON").require();
}

AlignSummary align(const AlignOptions& options, const RunContext& context) {
  const infer::DecoderModel model = open_decoder(options.model, context);
  const Plan plan = align_plan(read_plan(options.plan), options.plan.string(), model, context.progress);
  write_plan(options.out, plan);
  AlignSummary summary{options.out, 0};
  for (const LayerPlan& layer : plan.layers) summary.merges += layer.merge.size();
  return summary;
}

nlohmann::ordered_json to_json(const AlignSummary& summary) {
  return {{"format", "espalier.alignment/1"}, {"plan", summary.plan.string()}, {"merges", summary.merges}};
}

std::string to_text(const AlignSummary& summary) {
  return fmt::format("{}: neurons of {} merge{} in order\n", summary.plan.string(), summary.merges,
                     summary.merges == 1 ? "" : "s");
}

Verb align_verb() {
  return make_verb({"align", "put neurons in order before experts are merged",
                    "Example:\n  espalier align merge.json MODEL --out aligned.json", 50},
                   align);
}

}  // namespace espalier::pipeline
