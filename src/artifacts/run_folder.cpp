#include "artifacts/run_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.h"

namespace espalier {

namespace fs = std::filesystem;

namespace {

/// The NNN of "PREFIX-NNN.json", at least three digits; nothing for other names.
std::optional<std::size_t> window_number(std::string_view file, std::string_view prefix) {
  constexpr std::string_view kEnd = ".json";
  constexpr std::size_t kMostDigits = 9;  // far above any run; keeps the number in its type
  if (!file.starts_with(prefix) || !file.ends_with(kEnd)) return std::nullopt;
  if (file.size() <= prefix.size() + 1 + kEnd.size() || file[prefix.size()] != '-') return std::nullopt;
  const std::string digits(file.substr(prefix.size() + 1, file.size() - prefix.size() - 1 - kEnd.size()));
  if (digits.size() > kMostDigits || digits.find_first_not_of("0123456789") != std::string::npos) {
    return std::nullopt;
  }
  const std::size_t number = std::stoul(digits);
  return fmt::format("{:03}", number) == digits ? std::optional(number) : std::nullopt;
}

/// The files "PREFIX-000.json", .. of a run in their order, each read by `read`.
template <typename Read>
auto read_windows(const fs::path& folder, std::string_view prefix, Read read) {
  std::map<std::size_t, fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (const auto number = window_number(entry.path().filename().string(), prefix)) {
      files[*number] = entry.path();
    }
  }
  std::vector<decltype(read(folder))> windows;
  for (const auto& [number, file] : files) {
    if (number != windows.size()) {
      throw UserError(fmt::format("{}: {}-{:03}.json is missing", folder.string(), prefix, windows.size()),
                      fmt::format("the folder has {}", file.filename().string()));
    }
    windows.push_back(read(file));
  }
  return windows;
}

}  // namespace

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
  run.scores = read_windows(folder, "scores", read_scores);
  run.plans = read_windows(folder, "plan", read_plan);
  if (fs::exists(folder / "eval.json")) run.eval = read_eval_result(folder / "eval.json");
  if (fs::exists(folder / "bench.json")) run.bench = read_bench_result(folder / "bench.json");
  if (fs::exists(folder / "figures.json")) run.figures = read_figures(folder / "figures.json");
  return run;
}

}  // namespace espalier
