#include "pipeline/verbs/check.h"

#include <fmt/format.h>

#include "pipeline/make_verb.h"
#include "pipeline/surgery_options.h"

namespace espalier::pipeline {

void describe(options::OptionTable& table, CheckOptions& options) {
  table.positional("plan", options.plan, "PLAN", "plan.json").require();
  table.positional("model", options.model, "MODEL", "checkpoint folder; only headers are read").require();
  describe_surgery(table, options.surgery);
}

CheckSummary check(const CheckOptions& options, const RunContext& /*context*/) {
  return {options.plan, options.model,
          prepare_surgery(options.model, options.plan, options.surgery, 0).summary};
}

nlohmann::ordered_json to_json(const CheckSummary& summary) {
  nlohmann::ordered_json json = {{"format", "espalier.check/1"},
                                 {"plan", summary.plan.string()},
                                 {"model", summary.model.string()},
                                 {"fits", true}};
  json.update(figures_json(summary.result));
  return json;
}

std::string to_text(const CheckSummary& summary) {
  return fmt::format("{} fits {} ({})\n", summary.plan.string(), summary.model.string(),
                     summary.result.model_type) +
         figures_text(summary.result);
}

Verb check_verb() {
  return make_verb(
      {"check", "say whether a plan fits a model, what it would save, and who could not load the result",
       "Example:\n  espalier check plan.json Mixtral-8x7B-v0.1", 70},
      check);
}

}  // namespace espalier::pipeline
