#include "pipeline/verbs/check.h"

#include <fmt/format.h>

#include "pipeline/make_verb.h"
#include "pipeline/surgery_options.h"

namespace espalier::pipeline {
namespace {

nlohmann::ordered_json engines_json(const EngineReport& report) {
  nlohmann::ordered_json answers = nlohmann::ordered_json::array();
  for (const EngineAnswer& answer : report.answers)
    answers.push_back({{"engine", answer.engine},
                       {"takes", answer.takes},
                       {"fast", answer.fast},
                       {"why", answer.why},
                       {"counts", answer.counts}});
  const auto count = [](const std::optional<std::int64_t>& value) {
    return value ? nlohmann::ordered_json(*value) : nlohmann::ordered_json();
  };
  return {{"experts", report.experts},
          {"answers", answers},
          {"nearest", count(report.nearest)},
          {"nearest_fast", count(report.nearest_fast)}};
}

std::string engines_text(const EngineReport& report) {
  std::string text;
  for (const EngineAnswer& answer : report.answers) {
    const char* verdict = !answer.takes ? "does not take" : answer.fast ? "takes" : "takes, slower,";
    text += fmt::format("  {:<20} {} {} experts{}{}\n", answer.engine, verdict, report.experts,
                        answer.why.empty() ? "" : ": ", answer.why);
    text += fmt::format("  {:<20} {}\n", "", answer.counts);
  }
  if (report.nearest && *report.nearest != report.experts)
    text += fmt::format("  nearest that all take: {}\n", *report.nearest);
  if (!report.nearest) text += "  there is no count that all take\n";
  if (report.nearest_fast && report.nearest_fast != report.nearest)
    text += fmt::format("  nearest that all are fast with: {}\n", *report.nearest_fast);
  return text;
}

}  // namespace

void describe(options::OptionTable& table, CheckOptions& options) {
  table.positional("plan", options.plan, "PLAN", "plan.json").require();
  table.positional("model", options.model, "MODEL", "checkpoint folder; only headers are read").require();
  describe_surgery(table, options.surgery);
  table.add("engine", options.engines, "NAME",
            "whether transformers, vllm, sglang or llama.cpp takes the result's count of experts, and the "
            "nearest that all named take");
}

CheckSummary check(const CheckOptions& options, const RunContext& /*context*/) {
  PreparedSurgery prepared = prepare_surgery(options.model, options.plan, options.surgery, 0);
  CheckSummary summary{options.plan, options.model, std::move(prepared.summary), {}};
  if (!options.engines.empty())
    summary.engines = ask_engines(options.engines, prepared.surgery, prepared.checkpoint);
  return summary;
}

nlohmann::ordered_json to_json(const CheckSummary& summary) {
  nlohmann::ordered_json json = {{"format", "espalier.check/1"},
                                 {"plan", summary.plan.string()},
                                 {"model", summary.model.string()},
                                 {"fits", true}};
  json.update(figures_json(summary.result));
  if (summary.engines) json["engines"] = engines_json(*summary.engines);
  return json;
}

std::string to_text(const CheckSummary& summary) {
  return fmt::format("{} fits {} ({})\n", summary.plan.string(), summary.model.string(),
                     summary.result.model_type) +
         figures_text(summary.result) + (summary.engines ? engines_text(*summary.engines) : "");
}

Verb check_verb() {
  return make_verb(
      {"check", "say whether a plan fits a model, what it would save, and who could not load the result",
       "Example:\n  espalier check plan.json Mixtral-8x7B-v0.1 --engine vllm llama.cpp", 70},
      check);
}

}  // namespace espalier::pipeline
