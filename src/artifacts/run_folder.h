#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "artifacts/bench_result.h"
#include "artifacts/eval_result.h"
#include "artifacts/metrics.h"
#include "artifacts/run_manifest.h"

namespace espalier {

/// What a run left behind, as values; docs/formats/run.md lists the files.
struct RunFolder {
  std::string name;  ///< of the folder
  RunManifest manifest;
  std::vector<MetricsLine> metrics;  ///< empty where the run logs no steps
  std::optional<EvalResult> eval;
  std::optional<BenchResult> bench;
};

/// Reads `manifest.json` and those of `metrics.jsonl`, `eval.json` and `bench.json` that are there. Throws
/// UserError when the folder or its manifest is absent, or a file is damaged.
RunFolder read_run_folder(const std::filesystem::path& folder);

}  // namespace espalier
