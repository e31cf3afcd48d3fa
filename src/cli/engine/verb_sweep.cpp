#include <fmt/format.h>

#include <iostream>
#include <memory>
#include <thread>

#include "base/error.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "base/machine.h"
#include "cli/engine/engine_verbs.h"
#include "cli/terminal.h"
#include "cli/usage.h"
#include "report/shell_command.h"
#include "sweep/child_process.h"
#include "sweep/comparison_tables.h"
#include "sweep/finished_runs.h"
#include "sweep/run_grid.h"

namespace espalier {
namespace {

struct Arguments {
  std::filesystem::path grid, out;
  int jobs = 1;
  bool dry_run = false, summary = false, keep_models = false;
};

/// The verb `finetune` as a child will read it, without anything that runs.
class FinetuneCommandLine {
 public:
  FinetuneCommandLine() : app_("", "espalier") {
    app_.fallthrough();
    add_global_options(app_, global_);
    finetune_ = app_.add_subcommand("finetune");
    add_finetune(*finetune_, global_);
    app_.parse_complete_callback([] { throw CLI::Success(); });  // before the verb runs
  }

  std::vector<GridOption> options() const {
    std::vector<GridOption> options;
    for (const CLI::Option* option : finetune_->get_options()) {
      const auto name = option->get_lnames().empty() ? option->get_name() : option->get_lnames().front();
      if (name == "help") continue;
      options.push_back({name, option->get_expected_max() == 0  ? GridValue::kFlag
                               : option->get_expected_max() > 1 ? GridValue::kList
                                                                : GridValue::kOne});
    }
    return options;
  }

  /// Throws UserError for a value that the option does not take.
  void check(const GridRun& run) {
    auto words = command_of(run, RunState::kNew, "espalier", 1);
    std::vector<std::string> reversed(words.rbegin(), words.rend() - 1);  // as CLI11 has it, without the name
    try {
      app_.parse(std::move(reversed));
    } catch (const CLI::Success&) {
      return;
    } catch (const CLI::ParseError& error) {
      const auto said = usage_error(app_, error);
      throw UserError(fmt::format("{}: {}", run.name(), said.what()), said.hint());
    }
  }

 private:
  GlobalOptions global_;
  CLI::App app_;
  CLI::App* finetune_;
};

void wait_for_lock(FolderLock& lock, const std::filesystem::path& folder, const Terminal& terminal) {
  if (lock.try_lock()) return;
  terminal.notes()(fmt::format("waiting for another sweep in {}, or a run it left, to end", folder.string()));
  while (!lock.try_lock()) {
    if (interrupt_requested()) throw Interrupted("stopped before any run was started");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

RunGridOptions run_options(const Arguments& arguments, const GlobalOptions& global,
                           const Terminal& terminal) {
  return {.program = "/proc/self/exe",  // stays what it is when a build replaces the file
          .program_name = global.command.front(),
          .jobs = arguments.jobs,
          .threads = global.threads.value_or(hardware_threads()),
          .models = arguments.keep_models ? FinishedModels::kKeep : FinishedModels::kDelete,
          .progress = terminal.progress(),
          .note = terminal.notes()};
}

void print_commands(const std::vector<GridRun>& runs, const RunGridOptions& options) {
  for (const auto& run : runs) {
    const auto state = state_of(run);
    const auto words = command_of(run, state, options.program_name, threads_per_run(options));
    std::cout << (state == RunState::kFinished ? "# finished: " : "") << shell_command(words) << '\n';
  }
}

void print_comparison(const Arguments& arguments, const GlobalOptions& global, const Grid& grid,
                      const std::vector<GridRun>& runs) {
  const auto comparison = compare(layout_of(grid), read_finished_runs(runs));
  const auto title = arguments.grid.filename().string();
  const auto json = comparison_json(comparison, title, runs.size());
  const auto markdown = comparison_markdown(comparison, title, runs.size());
  std::filesystem::create_directories(arguments.out);
  write_file(arguments.out / "sweep.json", json);
  write_file(arguments.out / "sweep.md", markdown);
  std::cout << (global.json ? json : markdown);
}

[[noreturn]] void fail(const std::vector<RunFailure>& failures, std::size_t runs) {
  const auto& first = failures.front();
  throw UserError(
      fmt::format("{} of {} runs failed: {}: {}{}", failures.size(), runs, first.run, first.reason,
                  failures.size() > 1 ? "; .." : ""),
      fmt::format("the whole story is in {}; the same command tries them again", first.log.string()));
}

void run_sweep(const Arguments& arguments, const GlobalOptions& global) {
  FinetuneCommandLine finetune;
  const auto grid = parse_grid(read_file(arguments.grid), arguments.grid.string(), finetune.options());
  const auto runs = runs_of(grid, arguments.out);
  for (const auto& run : runs) finetune.check(run);
  const Terminal terminal(global);
  const auto options = run_options(arguments, global, terminal);
  if (arguments.dry_run) {
    print_commands(runs, options);
    return;
  }
  std::vector<RunFailure> failures;
  if (!arguments.summary) {
    create_output_folder(arguments.out, IfExists::kOverwrite);  // it goes on with what is there
    FolderLock lock(arguments.out);
    wait_for_lock(lock, arguments.out, terminal);
    failures = run_grid(runs, options);
    terminal.finish();
  }
  print_comparison(arguments, global, grid, runs);
  if (!failures.empty()) fail(failures, runs.size());
}

}  // namespace

void add_sweep(CLI::App& app, const GlobalOptions& global) {
  auto arguments = std::make_shared<Arguments>();
  auto& a = *arguments;
  app.add_option("grid", a.grid, "settings, tasks, seeds and options of finetune")
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
  app.footer("Example:\n  espalier sweep benchmarks/quality/task_specific_pruning.toml --out runs/sweep");
  app.callback([arguments, &global] { run_sweep(*arguments, global); });
}

}  // namespace espalier
