#include "pipeline/verbs/verify.h"

#include <fmt/format.h>

#include "pipeline/make_verb.h"
#include "pipeline/surgery_options.h"
#include "report/quantities.h"

namespace espalier::pipeline {

void describe(options::OptionTable& table, VerifyOptions& options) {
  table.positional("model", options.model, "MODEL", "checkpoint folder of the model before").require();
  table.positional("result", options.result, "DIR", "checkpoint folder of the model after").require();
  table.add("plan", options.plan, "PLAN", "plan.json that was applied").require();
  describe_surgery(table, options.surgery);
}

VerifySummary verify(const VerifyOptions& options, const RunContext& context) {
  const bool told = options.surgery != SurgeryOptions{};
  const SurgeryOptions surgery = told ? options.surgery : recorded_options(options.result);
  return {options.model, options.result, options.plan,
          verify_files(options.model, options.result, options.plan, surgery, context.progress)};
}

nlohmann::ordered_json to_json(const VerifySummary& summary) {
  return {{"format", "espalier.verified/1"},
          {"model", summary.model.string()},
          {"result", summary.result.string()},
          {"plan", summary.plan.string()},
          {"identical", true},
          {"tensors", summary.compared.tensors},
          {"tensors_dropped", summary.compared.dropped},
          {"bytes", summary.compared.bytes},
          {"carried_files", summary.compared.carried_files}};
}

std::string to_text(const VerifySummary& summary) {
  const auto& compared = summary.compared;
  return fmt::format(
      "{} is {} after {}: {} tensors, {} bytes identical; {} tensors gone; config.json and {} other files as "
      "they should be\n",
      summary.result.string(), summary.model.string(), summary.plan.string(), grouped_text(compared.tensors),
      grouped_text(compared.bytes), grouped_text(compared.dropped), compared.carried_files);
}

Verb verify_verb() {
  return make_verb(
      {"verify", "prove that a checkpoint is another one after a plan, byte for byte",
       "Without the flags above, those that DIR/espalier/apply.json records.\n\nExample:\n  espalier verify "
       "Mixtral-8x7B-v0.1 Mixtral-4x7B --plan plan.json",
       90},
      verify);
}

}  // namespace espalier::pipeline
