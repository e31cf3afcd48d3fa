#include <fmt/format.h>

#include "report/shell_command.h"
#include "sweep/comparison_tables.h"
#include "sweep/finished_runs.h"
#include "training/verbs/finetune.h"
#include "training/verbs/sweep.h"

namespace espalier::training {
namespace {

using pipeline::PreparedSweep;
using pipeline::SweepOptions;
using pipeline::SweepTables;

/// The command line that makes the options of a run, which it checks too.
std::vector<std::string> finetune_arguments(const GridRun& run) {
  FinetuneOptions options;
  options::OptionTable table;
  describe(table, options);
  OptionValues values = run.options;
  values["out"] = std::vector{run.folder.string()};
  set_options(values, run.name(), table);
  options.training.out.clear();
  auto words = options::command_line("finetune", options);
  words.insert(words.end(), {"--seed", fmt::to_string(run.seed)});
  return words;
}

RunGridOptions run_options(const SweepOptions& options, const pipeline::RunContext& context) {
  return {.program = context.program,
          .program_name = pipeline::program_name(context),
          .jobs = options.jobs,
          .threads = context.threads,
          .models = options.models,
          .progress = context.progress,
          .note = context.note};
}

}  // namespace

PreparedSweep prepare_settings(const std::string& toml, const SweepOptions& options,
                               const pipeline::RunContext& context) {
  FinetuneOptions described;
  options::OptionTable table;
  describe(table, described);
  const Grid grid = parse_grid(toml, options.grid.string(), grid_options(table));
  PreparedSweep sweep{runs_of(grid, options.out), {}, {}, {}};
  const RunGridOptions how = run_options(options, context);
  for (GridRun& run : sweep.runs) run.arguments = finetune_arguments(run);
  for (const GridRun& run : sweep.runs) {
    const RunState state = state_of(run);
    sweep.commands.push_back((state == RunState::kFinished ? "# finished: " : "") +
                             shell_command(command_of(run, state, how.program_name, threads_per_run(how))));
  }
  sweep.run = [runs = sweep.runs, options](const pipeline::RunContext& now) {
    return run_grid(runs, run_options(options, now));
  };
  sweep.tables = [grid, runs = sweep.runs](const std::string& title) {
    const Comparison comparison = espalier::compare(layout_of(grid), read_finished_runs(runs));
    return SweepTables{comparison_json(comparison, title, runs.size()),
                       comparison_markdown(comparison, title, runs.size())};
  };
  return sweep;
}

}  // namespace espalier::training
