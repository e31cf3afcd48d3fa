#include "pipeline/prune_steps.h"

#include <fmt/format.h>

#include <map>

#include "base/error.h"
#include "base/output_path.h"
#include "prune/criteria/criterion.h"

namespace espalier::pipeline {
namespace {

namespace fs = std::filesystem;

/// A step that calls `function`; `keep` stores what it came to.
template <typename Options, typename Summary, typename Keep>
PruneStep step(const std::string& verb, Summary (*function)(const Options&, const RunContext&),
               Options options, std::uint64_t seed, fs::path result, Keep keep) {
  PruneStep made{verb, options::command_line(verb, options), std::move(result), {}};
  made.command.insert(made.command.begin(), "espalier");
  made.command.insert(made.command.end(), {"--seed", fmt::to_string(seed)});
  made.run = [function, options = std::move(options), keep](const RunContext& context,
                                                            PruneSummary& summary) {
    Summary done = function(options, context);
    if (context.part) context.part(to_text(done));
    keep(summary, std::move(done));
  };
  return made;
}

}  // namespace

std::map<std::string, std::string> texts_to_compare(const std::vector<std::string>& words) {
  std::map<std::string, std::string> files;
  for (const std::string& word : words) {
    const auto equals = word.find('=');
    const auto file = equals == std::string::npos ? word : word.substr(equals + 1);
    auto name = equals == std::string::npos ? fs::path(word).filename().string() : word.substr(0, equals);
    if (equals == std::string::npos) name = name.substr(0, name.find('.'));
    if (!is_plain_file_name(name) || file.empty())
      throw UserError(fmt::format("--compare: found {}, expected FILE or NAME=FILE", word),
                      "--compare wiki=wiki.test.txt");
    if (!files.emplace(name, file).second)
      throw UserError(fmt::format("--compare: two texts are named {}", name), "give names: NAME=FILE");
  }
  return files;
}

namespace {

class StepPlanner {
 public:
  StepPlanner(const PruneOptions& options, std::uint64_t seed)
      : options_(options),
        seed_(seed),
        by_scores_(decided_by_scores(find_plan_action(options.plan.action))),
        observations_(options.observations.value_or("")) {}

  std::vector<PruneStep> steps() {
    check();
    add_observe();
    if (by_scores_)
      add_score_and_plan();
    else
      add_plan_of_observations();
    add_surgery();
    for (const auto& [name, file] : texts_to_compare(options_.compare_texts)) add_compare(name, file);
    return std::move(steps_);
  }

 private:
  fs::path in_run(const std::string& file) const { return options_.out / file; }

  template <typename Options, typename Summary, typename Keep>
  void add(const std::string& verb, Summary (*function)(const Options&, const RunContext&), Options options,
           fs::path result, Keep keep) {
    steps_.push_back(step(verb, function, std::move(options), seed_, std::move(result), keep));
  }

  bool needs_data() const { return !by_scores_ || needs_observations(find_criterion(*options_.criterion)); }

  void check() const {
    const std::string& action = options_.plan.action;
    if (by_scores_ && !options_.criterion)
      throw UserError("prune: neither --criterion nor --action is given",
                      "--criterion reap, say, or --action merge (`espalier plan --help` lists them)");
    PlanActionOptions given = options_.plan.action_options;
    given.criterion = options_.criterion;
    check_options_of_action(given, action);
    if (options_.align && action != "merge")
      throw UserError(fmt::format("--align: --action {} merges nothing", action), "--action merge");
    if (needs_data() && options_.observe.data.empty() && !options_.observations)
      throw UserError(fmt::format("--data is missing: {} is computed from a calibration run",
                                  by_scores_ ? *options_.criterion : "--action " + action),
                      "name text, .jsonl or token ids, or --observations of an earlier run");
  }

  void add_observe() {
    if (options_.observe.data.empty()) return;
    ObserveOptions observed = options_.observe;
    observed.model = options_.model;
    observed.resume = true;
    observed.out = observations_ = in_run("observations.safetensors");
    add("observe", observe, observed, observed.out,
        [](PruneSummary& summary, ObserveSummary done) { summary.observe = std::move(done); });
  }

  PlanOptions plan_options() const {
    PlanOptions plan = options_.plan;
    plan.model = options_.model;
    plan.groups = options_.groups;
    plan.out = in_run("plan.json");
    return plan;
  }

  void add_plan(PlanOptions plan) {
    const fs::path result = plan.out;
    add("plan", pipeline::plan, std::move(plan), result,
        [](PruneSummary& summary, PlanningSummary done) { summary.plan = std::move(done); });
  }

  void add_score_and_plan() {
    ScoreOptions score = options_.score;
    score.input = needs_data() ? observations_ : options_.model;
    score.criterion = *options_.criterion;
    score.out = in_run("scores.json");
    add("score", pipeline::score, score, score.out,
        [](PruneSummary& summary, ScoreSummary done) { summary.score = std::move(done); });
    PlanOptions plan = plan_options();
    plan.scores = score.out;
    add_plan(std::move(plan));
  }

  void add_plan_of_observations() {
    PlanOptions plan = plan_options();
    plan.observations = observations_;
    plan.action_options.criterion = options_.criterion;
    if (options_.align) plan.out = in_run("merges.json");
    const fs::path decided = plan.out;
    add_plan(std::move(plan));
    if (!options_.align) return;
    const AlignOptions aligned{decided, options_.model, in_run("plan.json")};
    add("align", align, aligned, aligned.out,
        [](PruneSummary& summary, AlignSummary done) { summary.align = std::move(done); });
  }

  void add_surgery() {
    ApplyOptions applied = options_.apply;
    applied.model = options_.model;
    applied.plan = in_run("plan.json");
    applied.out = in_run("model");
    if (by_scores_) applied.scores = in_run("scores.json");
    if (options_.groups == RouterGroupRule::kIgnore) applied.surgery.groups = RouterGroups::kReset;
    add("apply", apply, applied, applied.out,
        [](PruneSummary& summary, ApplySummary done) { summary.apply = std::move(done); });
    const VerifyOptions verified{options_.model, applied.out, applied.plan, {}};
    add("verify", verify, verified, {},
        [](PruneSummary& summary, VerifySummary done) { summary.verify = std::move(done); });
  }

  void add_compare(const std::string& name, const std::string& file) {
    CompareOptions compared = options_.compare;
    compared.first = options_.model;
    compared.second = in_run("model");
    compared.data = {file};
    compared.out = in_run(fmt::format("compare-{}.json", name));
    add("compare", compare, compared, compared.out,
        [](PruneSummary& summary, CompareSummary done) { summary.compare.push_back(std::move(done)); });
  }

  const PruneOptions& options_;
  std::uint64_t seed_;
  bool by_scores_;
  fs::path observations_;
  std::vector<PruneStep> steps_;
};

}  // namespace

std::vector<PruneStep> prune_steps(const PruneOptions& options, std::uint64_t seed) {
  return StepPlanner(options, seed).steps();
}

PruneStep report_step(const PruneOptions& options, std::uint64_t seed) {
  return step("report", report, ReportOptions{{options.out}, {}, options.out / "report.html", {}}, seed, {},
              [](PruneSummary& summary, ReportSummary done) { summary.report = std::move(done); });
}

}  // namespace espalier::pipeline
