#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "artifacts/bench_result.h"
#include "artifacts/eval_result.h"
#include "artifacts/figures.h"
#include "artifacts/metrics.h"
#include "artifacts/plan.h"
#include "artifacts/run_manifest.h"
#include "artifacts/scores.h"

namespace espalier {

/// What a run left behind, as values; docs/formats/run.md lists the files.
struct RunFolder {
  std::string name;  ///< of the folder
  RunManifest manifest;
  std::vector<MetricsLine> metrics;  ///< empty where the run logs no steps
  std::vector<Scores> scores;        ///< of each window of a run that prunes: scores-000.json, ..
  std::vector<Plan> plans;           ///< plan-000.json, ..: what was dropped at the end of each window
  std::optional<EvalResult> eval;
  std::optional<BenchResult> bench;
  std::vector<Figure> figures;  ///< of a study
};

/// Reads `manifest.json` and those of the other files that are there. Throws UserError when the folder or its
/// manifest is absent, a file is damaged, or a window between two others has no scores or no plan.
RunFolder read_run_folder(const std::filesystem::path& folder);

}  // namespace espalier
