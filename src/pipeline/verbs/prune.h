#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/verb.h"
#include "pipeline/verbs/align.h"
#include "pipeline/verbs/apply.h"
#include "pipeline/verbs/compare.h"
#include "pipeline/verbs/observe.h"
#include "pipeline/verbs/plan.h"
#include "pipeline/verbs/report.h"
#include "pipeline/verbs/score.h"
#include "pipeline/verbs/verify.h"

namespace espalier::pipeline {

/// The options of the steps are those of their verbs; `prune` fills in the files that go from one to the
/// next.
struct PruneOptions {
  std::filesystem::path model;                        ///< checkpoint folder; only read
  std::optional<std::string> criterion;               ///< of --action drop and novice
  bool align = false;                                 ///< put the neurons of merged experts in order first
  std::optional<std::filesystem::path> observations;  ///< of an earlier run, instead of data
  std::vector<std::string> compare_texts;             ///< "[NAME=]FILE"
  RouterGroupRule groups = RouterGroupRule::kEqual;   ///< of the plan and of the result
  bool resume = false;
  IfExists if_exists = IfExists::kFail;
  std::filesystem::path out;  ///< run folder

  ObserveOptions observe;
  ScoreOptions score;
  PlanOptions plan;
  ApplyOptions apply;
  CompareOptions compare;
};
void describe(options::OptionTable& table, PruneOptions& options);

/// What the steps came to; those that a resumed run found done are absent.
struct PruneSummary {
  std::filesystem::path out;
  std::optional<ObserveSummary> observe;
  std::optional<ScoreSummary> score;
  std::optional<PlanningSummary> plan;
  std::optional<AlignSummary> align;
  std::optional<ApplySummary> apply;
  std::optional<VerifySummary> verify;
  std::vector<CompareSummary> compare;
  std::optional<ReportSummary> report;
};
/// "format": "espalier.pruned/1", and what each verb would print.
nlohmann::ordered_json to_json(const PruneSummary& summary);
/// Nothing: the steps went to RunContext::part as they were done.
std::string to_text(const PruneSummary& summary);

/// Observe, score, plan, apply, verify, compare and report in one, leaving every file in the run folder. Each
/// step is told to `context.part` as the command line that does it alone. Throws UserError for options that
/// do not go together before anything is done; after Interrupted or a failed step the same options with
/// `resume` go on.
PruneSummary prune(const PruneOptions& options, const RunContext& context);

Verb prune_verb();

}  // namespace espalier::pipeline
