#include "sweep/grid_runs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "artifacts/run_manifest.h"
#include "base/error.h"
#include "base/output_path.h"
#include "data/questions/articles.h"
#include "data/task.h"
#include "sweep/run_inputs.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

/// What every run has and nobody sets in a grid; two runs that differ in nothing else are the same.
constexpr std::string_view kPlaceOptions[] = {"out", "threads", "resume", "overwrite"};

OptionValues merged(const Grid& grid, const GridTask& task, const GridSetting& setting) {
  auto options = grid.options;
  for (const auto* more : {&setting.options, &task.options})
    for (const auto& [name, value] : *more) options[name] = value;
  if (!grid.data.empty() &&
      (task.name == kQuestionTask || find_task(task.name).source != TaskSource::kWordNet))
    options.try_emplace("data", grid.data);
  options["task"] = std::vector{task.name};
  return options;
}

GridRun run_of(const Grid& grid, const GridTask& task, const GridSetting& setting, std::uint64_t seed,
               const fs::path& out) {
  const auto folder_of = [&](const std::string& name) {
    return run_folder(out, {task.name, name, fmt::format("seed-{}", seed)});
  };
  GridRun run{task.name, setting.name, seed, folder_of(setting.name), merged(grid, task, setting), {}};
  if (!setting.after) return run;
  run.first_pass = folder_of(*setting.after);
  run.options["model"] = std::vector{(run.first_pass / "model").string()};
  return run;
}

}  // namespace

fs::path run_folder(fs::path out, std::initializer_list<std::string_view> names) {
  for (const auto name : names) {
    if (!is_plain_file_name(name))
      throw UserError(fmt::format("{}: {} cannot name a folder in it", out.string(), name),
                      "a name of a grid is no path");
    out /= name;
  }
  return out;
}

std::map<std::string, std::string> spelt_options(const std::vector<std::string>& words) {
  std::map<std::string, std::string> options;
  std::string name;
  for (const auto& word : words) {
    if (word.starts_with("--")) {
      name = word.substr(2);
      options[name];
    } else {
      options[name] += (options[name].empty() ? "" : " ") + word;
    }
  }
  for (const auto place : kPlaceOptions) options.erase(std::string(place));
  return options;
}

std::string difference_of(const std::map<std::string, std::string>& before,
                          const std::map<std::string, std::string>& wanted) {
  const auto text = [](const auto& options, const std::string& name) {
    const auto found = options.find(name);
    if (found == options.end()) return fmt::format("no --{}", name);
    if (name.empty()) return fmt::format("`{}`", found->second);
    return fmt::format("--{}{}{}", name, found->second.empty() ? "" : " ", found->second);
  };
  auto names = wanted;
  names.insert(before.begin(), before.end());
  for (const auto& [name, value] : names)
    if (text(before, name) != text(wanted, name))
      return fmt::format("{}, not {}", text(before, name), text(wanted, name));
  return {};
}

std::string GridRun::name() const {
  return fmt::format("{}/{}/seed-{}", task, setting, seed);
}

fs::path GridRun::log() const {
  return folder.string() + ".log";
}

std::vector<GridRun> runs_of(const Grid& grid, const fs::path& out) {
  std::size_t most_seeds = 0;
  for (const auto& task : grid.tasks) most_seeds = std::max(most_seeds, task.seeds.size());
  for (const auto& setting : grid.settings) most_seeds = std::max(most_seeds, setting.seeds.size());
  std::vector<GridRun> runs;
  for (std::size_t i = 0; i < most_seeds; ++i)
    for (const auto& task : grid.tasks)
      for (const auto& setting : grid.settings) {
        const auto& seeds = setting.seeds.empty() ? task.seeds : setting.seeds;
        if (i < seeds.size() && std::ranges::count(setting.tasks, task.name) > 0)
          runs.push_back(run_of(grid, task, setting, seeds[i], out));
      }
  return runs;
}

RunState state_of(const GridRun& run) {
  const auto file = run.folder / "manifest.json";
  if (!fs::exists(file))
    return fs::exists(run.folder) && !fs::is_empty(run.folder) ? RunState::kLeftOver : RunState::kNew;
  if (!is_made_from(run.folder, run.inputs)) return RunState::kLeftOver;
  const auto manifest = read_manifest(file);
  const auto& typed = manifest.command;
  const auto differs = difference_of(spelt_options({typed.begin() + (typed.empty() ? 0 : 1), typed.end()}),
                                     spelt_options(run.arguments));
  if (!differs.empty()) {
    if (manifest.status == RunStatus::kFailed) return RunState::kLeftOver;
    throw UserError(fmt::format("{}: the run was started with {}", file.string(), differs),
                    "remove its folder to run it anew, or name another --out");
  }
  return manifest.status == RunStatus::kFinished ? RunState::kFinished : RunState::kStopped;
}

std::vector<std::string> command_of(const GridRun& run, RunState state, const std::string& program,
                                    int threads) {
  std::vector<std::string> words{program};
  words.insert(words.end(), run.arguments.begin(), run.arguments.end());
  words.insert(words.end(), {"--threads", fmt::to_string(threads), "--out", run.folder.string()});
  if (state == RunState::kStopped) words.push_back("--resume");
  if (state == RunState::kLeftOver) words.push_back("--overwrite");
  return words;
}

}  // namespace espalier
