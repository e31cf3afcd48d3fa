#include "pipeline/verbs/explain.h"

#include "artifacts/keep_list.h"
#include "base/files.h"
#include "pipeline/make_verb.h"

namespace espalier::pipeline {

void describe(options::OptionTable& table, ExplainOptions& options) {
  table.positional("plan", options.plan, "PLAN", "a plan").require();
  table.add("scores", options.scores, "SCORES",
            "the scores it was made from: adds those of the experts that stay");
  table.add("html", options.html, "FILE", "also writes it as one page that opens offline").writes();
  table
      .add("keep-list", options.keep_list, "FILE",
           "also writes {\"0\": [0, 3], ..}, layer to surviving experts; .jsonl: a line per layer")
      .writes();
}

ExplainSummary explain(const ExplainOptions& options, const RunContext& /*context*/) {
  const Plan plan = read_plan(options.plan);
  std::optional<Scores> scores;
  if (options.scores) scores = read_scores(*options.scores);
  Explanation explanation = espalier::explain(plan, scores ? &*scores : nullptr);
  if (options.html) write_file(*options.html, to_html(explanation, options.plan.string()));
  if (options.keep_list) write_keep_list(*options.keep_list, keep_list_of(plan));
  return {options.plan, std::move(explanation)};
}

nlohmann::ordered_json to_json(const ExplainSummary& summary) {
  return espalier::to_json(summary.explanation);
}

std::string to_text(const ExplainSummary& summary) {
  return summary.plan.string() + ": " + espalier::to_text(summary.explanation);
}

Verb explain_verb() {
  return make_verb({"explain", "print what a plan drops and why, as text, JSON or a page",
                    "Example:\n  espalier explain plan.json --scores scores.json --html plan.html", 60},
                   explain);
}

}  // namespace espalier::pipeline
