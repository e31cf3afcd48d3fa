#include <iostream>
#include <memory>
#include <optional>

#include "artifacts/keep_list.h"
#include "base/files.h"
#include "cli/verbs.h"
#include "prune/explain.h"

namespace espalier {
namespace {

struct ExplainArguments {
  std::string plan;
  std::optional<std::string> scores, html, keep_list;
};

void run_explain(const ExplainArguments& arguments, const GlobalOptions& global) {
  const Plan plan = read_plan(arguments.plan);
  std::optional<Scores> scores;
  if (arguments.scores) scores = read_scores(*arguments.scores);
  const Explanation explanation = explain(plan, scores ? &*scores : nullptr);
  if (arguments.html) write_file(*arguments.html, to_html(explanation, arguments.plan));
  if (arguments.keep_list) write_keep_list(*arguments.keep_list, keep_list_of(plan));
  if (global.json) {
    std::cout << to_json(explanation).dump(2) << '\n';
  } else {
    std::cout << arguments.plan << ": " << to_text(explanation);
  }
}

}  // namespace

void add_explain(CLI::App& app, const GlobalOptions& global) {
  auto arguments = std::make_shared<ExplainArguments>();
  app.add_option("plan", arguments->plan, "a plan")->required()->type_name("PLAN");
  app.add_option("--scores", arguments->scores,
                 "the scores it was made from: adds those of the experts that stay")
      ->type_name("SCORES");
  app.add_option("--html", arguments->html, "also writes it as one page that opens offline")
      ->type_name("FILE");
  app.add_option("--keep-list", arguments->keep_list,
                 "also writes {\"0\": [0, 3], ..}, layer to surviving experts; .jsonl: a line per layer")
      ->type_name("FILE");
  app.footer("Example:\n  espalier explain plan.json --scores scores.json --html plan.html");
  app.callback([arguments, &global] { run_explain(*arguments, global); });
}

}  // namespace espalier
