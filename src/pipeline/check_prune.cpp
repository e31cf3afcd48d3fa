#include "pipeline/check_prune.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/links.h"
#include "pipeline/language_model.h"
#include "pipeline/plan_rule.h"
#include "pipeline/prune_steps.h"
#include "prune/criteria/criterion.h"
#include "prune/grouping.h"
#include "prune/merge_plan.h"
#include "prune/merge_weights.h"
#include "prune/one_shot_plan.h"
#include "prune/reconstruction.h"
#include "prune/reconstruction_plan.h"
#include "prune/score.h"
#include "prune/similarity.h"

namespace espalier::pipeline {
namespace {

namespace fs = std::filesystem;

void expect_file(std::string_view option, const fs::path& file) {
  std::error_code error;
  if (fs::exists(file, error) && !fs::is_directory(file, error)) return;
  refuse_dangling(file);
  throw UserError(
      fmt::format("{}: {}: {}", option, file.string(),
                  fs::is_directory(file, error) ? "is a folder, expected a file" : "no such file"),
      "check the path");
}

void check_files(const PruneOptions& options) {
  for (const fs::path& file : options.observe.data) expect_file("--data", file);
  if (options.observations) expect_file("--observations", *options.observations);
  const auto texts = texts_to_compare(options.compare_texts);
  for (const auto& [name, file] : texts) expect_file("--compare", file);
  if (texts.empty()) return;
  const LanguageModel model = open_language_model(options.model, {});
  window_length(options.compare.sequence_length, model.model);
}

/// Of --action merge: the calibration run must be told to observe what experts are compared by.
void check_merging(const PruneOptions& options) {
  const PlanActionOptions& action = options.plan.action_options;
  const MergeMethod& method = find_merge_method(action.method.value_or(kDefaultMethod));
  const Similarity& similarity = find_similarity(action.group_by ? *action.group_by : method.similarity);
  if (action.grouping) find_grouping(*action.grouping);
  if (action.weights) find_merge_weighting(*action.weights);
  const auto& asked = options.observe.similarity;
  const bool observed = std::ranges::any_of(similarity.observed_as, [&](std::string_view kind) {
    return std::ranges::find(asked, kind) != asked.end();
  });
  if (options.observations || similarity.observed_as.empty() || observed) return;
  throw UserError(fmt::format("--action merge: experts are compared by {} ({}), which is not observed",
                              similarity.name, similarity.definition),
                  fmt::format("`espalier {}` does; here --similarity, or its file with --observations",
                              similarity.needs));
}

void check_action(const PruneOptions& options, const OneShotRule& rule) {
  if (options.plan.action == "merge") check_merging(options);
  if (options.plan.action != "reconstruction") return;
  expect_reconstruction_rule(rule);
  find_subset_search(options.plan.action_options.search.value_or(kDefaultSearch));
  if (!options.observations && options.observe.keep_tokens == 0)
    throw UserError("--action reconstruction: needs single tokens, and none are kept", "--keep-tokens 1024");
}

}  // namespace

void check_prune(const PruneOptions& options, std::uint64_t seed) {
  check_files(options);
  const Checkpoint checkpoint = Checkpoint::open(options.model);
  // A plan by random scores drops as many as any other.
  const Scores scores = score_checkpoint(checkpoint, nullptr, find_criterion("random"), seed, {});
  PlanOptions asked = options.plan;
  asked.model = options.model;
  asked.groups = options.groups;
  const OneShotRule rule = rule_of(asked, scores);
  check_action(options, rule);
  if (rule.budget == PlanBudget::kGlobal) return;  // how many stay where, the scores will say
  const Plan trial = one_shot_plan(scores, rule, seed);
  if (!decided_by_scores(find_plan_action(options.plan.action))) return;
  SurgeryOptions surgery = options.apply.surgery;
  if (options.groups == RouterGroupRule::kIgnore) surgery.groups = RouterGroups::kReset;
  fit_plan(trial, "plan", checkpoint, surgery);
}

}  // namespace espalier::pipeline
