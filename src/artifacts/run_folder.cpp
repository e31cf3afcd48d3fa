#include "artifacts/run_folder.h"

#include <fmt/format.h>

#include "base/error.h"

namespace espalier {

namespace fs = std::filesystem;

RunFolder read_run_folder(const fs::path& folder) {
  if (!fs::is_regular_file(folder / "manifest.json")) {
    throw UserError(fmt::format("{}: not a run folder: it has no manifest.json", folder.string()),
                    "give the folder named with --out when the run was started");
  }
  RunFolder run;
  // "runs/a/" has an empty filename; "." has a useless one.
  run.name = fs::absolute(folder).lexically_normal().filename().string();
  if (run.name.empty()) run.name = fs::absolute(folder).lexically_normal().parent_path().filename().string();
  run.manifest = read_manifest(folder / "manifest.json");
  if (fs::exists(folder / "metrics.jsonl")) run.metrics = read_metrics(folder / "metrics.jsonl");
  if (fs::exists(folder / "eval.json")) run.eval = read_eval_result(folder / "eval.json");
  if (fs::exists(folder / "bench.json")) run.bench = read_bench_result(folder / "bench.json");
  return run;
}

}  // namespace espalier
