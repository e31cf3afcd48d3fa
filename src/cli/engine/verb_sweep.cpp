#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iostream>
#include <memory>
#include <thread>

#include "artifacts/figures.h"
#include "artifacts/run_manifest.h"
#include "base/error.h"
#include "base/files.h"
#include "base/folder_lock.h"
#include "base/interrupt.h"
#include "base/machine.h"
#include "cli/engine/engine_verbs.h"
#include "cli/engine/verb_command_line.h"
#include "cli/terminal.h"
#include "cli/training.h"
#include "pipeline/plan_actions.h"
#include "prune/criteria/criterion.h"
#include "report/shell_command.h"
#include "sweep/comparison_tables.h"
#include "sweep/finished_runs.h"
#include "sweep/method_comparison.h"
#include "sweep/run_grid.h"

namespace espalier {
namespace {

struct SweepArguments {
  std::filesystem::path grid, out;
  int jobs = 1;
  bool dry_run = false, summary = false, keep_models = false;
};

void wait_for_lock(FolderLock& lock, const std::filesystem::path& folder, const Terminal& terminal) {
  if (lock.try_lock()) return;
  terminal.notes()(fmt::format("waiting for another sweep in {}, or a run it left, to end", folder.string()));
  while (!lock.try_lock()) {
    if (interrupt_requested()) throw Interrupted("stopped before any run was started");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

RunGridOptions run_options(const SweepArguments& arguments, const GlobalOptions& global,
                           const Terminal& terminal) {
  return {.program = "/proc/self/exe",  // stays what it is when a build replaces the file
          .program_name = global.command.front(),
          .jobs = arguments.jobs,
          .threads = global.threads.value_or(hardware_threads()),
          .models = arguments.keep_models ? FinishedModels::kKeep : FinishedModels::kDelete,
          .progress = terminal.progress(),
          .note = terminal.notes()};
}

/// Of the runs that are finished.
struct SweepTables {
  std::string json, markdown;
  std::vector<Figure> figures = {};
};

/// What `report` needs beside the figures.
RunManifest manifest_of(const SweepArguments& arguments, const GlobalOptions& global, RunStatus status) {
  RunManifest manifest;
  manifest.verb = "sweep";
  manifest.command = global.command;
  manifest.status = status;
  manifest.started_at = utc_now();
  manifest.options = {{"grid", arguments.grid.string()}};
  manifest.versions = {{"espalier", ESPALIER_VERSION}};
  manifest.machine = {cpu_name(), global.threads.value_or(hardware_threads()), memory_bytes()};
  return manifest;
}

/// Writes sweep.json, sweep.md and what `report` draws, and prints one of the first two.
void print_tables(const SweepArguments& arguments, const GlobalOptions& global, const SweepTables& tables,
                  RunStatus status) {
  std::filesystem::create_directories(arguments.out);
  write_file(arguments.out / "sweep.json", tables.json);
  write_file(arguments.out / "sweep.md", tables.markdown);
  if (!tables.figures.empty()) {
    write_figures(arguments.out / "figures.json", tables.figures);
    write_manifest(arguments.out / "manifest.json", manifest_of(arguments, global, status));
  }
  std::cout << (global.json ? tables.json : tables.markdown);
}

[[noreturn]] void fail(const std::vector<RunFailure>& failures, std::size_t runs) {
  const auto& first = failures.front();
  throw UserError(
      fmt::format("{} of {} runs failed: {}: {}{}", failures.size(), runs, first.run, first.reason,
                  failures.size() > 1 ? "; .." : ""),
      fmt::format("the whole story is in {}; the same command tries them again", first.log.string()));
}

/// What a grid comes to: the files that its runs share, its runs, and the tables of those that are finished.
struct PreparedSweep {
  std::vector<SharedObservations> observations;
  std::vector<GridRun> runs;
  std::function<SweepTables(const std::string& title)> tables;
};

PreparedSweep prepare_finetuning(const SweepArguments& arguments, const std::string& toml) {
  check_trains("finetune");
  VerbCommandLine finetune("finetune");
  const auto grid = parse_grid(toml, arguments.grid.string(), finetune.options());
  const auto runs = runs_of(grid, arguments.out);
  for (const auto& run : runs) finetune.check(run.name(), command_of(run, RunState::kNew, "espalier", 1));
  return {{}, runs, [grid, runs](const std::string& title) {
            const auto comparison = compare(layout_of(grid), read_finished_runs(runs));
            return SweepTables{comparison_json(comparison, title, runs.size()),
                               comparison_markdown(comparison, title, runs.size())};
          }};
}

MethodInputs inputs_of(const GridSetting& method) {
  const auto action = method.options.find("action");
  if (action != method.options.end() &&
      !pipeline::decided_by_scores(pipeline::find_plan_action(action->second->front())))
    return MethodInputs::kData;
  const Criterion& criterion = find_criterion(method.options.at("criterion")->front());
  if (criterion.observed != nullptr) return MethodInputs::kData;
  return criterion.drawn != nullptr ? MethodInputs::kSeed : MethodInputs::kNothing;
}

PreparedSweep prepare_methods(const SweepArguments& arguments, const std::string& toml) {
  VerbCommandLine observe("observe"), prune("prune");
  const auto grid = parse_method_grid(toml, arguments.grid.string(), observe.options(), prune.options());
  const auto observations = observations_of(grid, arguments.out);
  const auto runs = runs_of(grid, arguments.out, inputs_of);
  for (const auto& one : observations) observe.check(one.file.string(), one.command("espalier"));
  for (const auto& run : runs) prune.check(run.name(), command_of(run, RunState::kNew, "espalier", 1));
  return {observations, runs, [grid, runs](const std::string& title) {
            const auto comparison = compare_methods(grid, runs);
            return SweepTables{method_json(comparison, title), method_markdown(comparison, title),
                               method_figures(comparison)};
          }};
}

void print_commands(const PreparedSweep& sweep, const RunGridOptions& options) {
  for (const auto& one : sweep.observations) {
    std::cout << (std::filesystem::exists(one.file) ? "# there: " : "")
              << shell_command(one.command(options.program_name)) << '\n';
  }
  for (const auto& run : sweep.runs) {
    const auto state = state_of(run);
    const auto words = command_of(run, state, options.program_name, threads_per_run(options));
    std::cout << (state == RunState::kFinished ? "# finished: " : "") << shell_command(words) << '\n';
  }
}

void run_sweep(const SweepArguments& arguments, const GlobalOptions& global) {
  const auto toml = read_file(arguments.grid);
  const auto sweep = is_method_grid(toml, arguments.grid.string()) ? prepare_methods(arguments, toml)
                                                                   : prepare_finetuning(arguments, toml);
  const Terminal terminal(global);
  const auto options = run_options(arguments, global, terminal);
  if (arguments.dry_run) {
    print_commands(sweep, options);
    return;
  }
  std::vector<RunFailure> failures;
  if (!arguments.summary) {
    create_output_folder(arguments.out, IfExists::kOverwrite);  // it goes on with what is there
    FolderLock lock(arguments.out, LockHolders::kDescendants);  // none is resumed while it still saves
    wait_for_lock(lock, arguments.out, terminal);
    make_observations(sweep.observations, options);
    failures = run_grid(sweep.runs, options);
    terminal.finish();
  }
  const bool all = std::all_of(sweep.runs.begin(), sweep.runs.end(),
                               [](const GridRun& run) { return state_of(run) == RunState::kFinished; });
  print_tables(arguments, global, sweep.tables(arguments.grid.filename().string()),
               all ? RunStatus::kFinished : RunStatus::kInterrupted);
  if (!failures.empty()) fail(failures, sweep.runs.size());
}

}  // namespace

void add_sweep(CLI::App& app, const GlobalOptions& global) {
  auto arguments = std::make_shared<SweepArguments>();
  auto& a = *arguments;
  app.add_option("grid", a.grid,
                 "settings, tasks and seeds of finetune; or methods, shares kept, texts and seeds of prune")
      ->required()
      ->type_name("GRID.toml");
  app.add_option("--out", a.out, "run folders and tables; finished runs in it are not repeated")
      ->required()
      ->type_name("DIR");
  app.add_option("--jobs", a.jobs, "runs at a time, which share --threads")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024).description(""));
  auto* dry_run = app.add_flag("--dry-run", a.dry_run, "print the commands, run nothing");
  app.add_flag("--summary", a.summary, "only the tables of what is finished")->excludes(dry_run);
  app.add_flag("--keep-models", a.keep_models, "keep model/ and state.safetensors of finished runs");
  app.footer(
      "Examples:\n  espalier sweep benchmarks/quality/task_specific_pruning.toml --out runs/sweep\n  "
      "espalier sweep "
      "benchmarks/quality/methods.toml --out runs/methods");
  app.callback([arguments, &global] { run_sweep(*arguments, global); });
}

}  // namespace espalier
