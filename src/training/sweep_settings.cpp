#include <fmt/format.h>

#include "base/error.h"
#include "data/questions/articles.h"
#include "report/shell_command.h"
#include "sweep/cells.h"
#include "sweep/comparison_tables.h"
#include "sweep/finished_runs.h"
#include "sweep/setting_figures.h"
#include "sweep/window_numbers.h"
#include "train/weights_hash.h"
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

RunGridOptions run_options(const Grid& grid, const SweepOptions& options,
                           const pipeline::RunContext& context) {
  return {.program = context.program,
          .program_name = pipeline::program_name(context),
          .jobs = options.jobs,
          .threads = context.threads,
          .models = options.models,
          .cells = options.cells,
          .token_budget = grid.token_budget,
          .progress = context.progress,
          .note = context.note};
}

/// How often the first window already knows who is left.
std::string winners_text(const std::vector<RunCell>& cells) {
  const auto winners = first_winners(cells);
  if (winners.layers == 0) return {};
  return fmt::format(
      "\n## Windows\n\nIn {} of {} layers of runs that end with one expert, it is the one that "
      "scored best in the first window.\n",
      winners.stayed, winners.layers);
}

/// Throws UserError where a cell is of another model than the one that is there now.
void check_models(const std::vector<GridRun>& runs) {
  std::map<std::string, std::string> hashes;  // of folders, each read once
  for (const GridRun& run : runs) {
    if (run.cell.empty() || !run.first_pass.empty() || !std::filesystem::exists(run.cell)) continue;
    const auto cell = finished_cell(run);
    const std::string& model = run.options.at("model")->front();
    if (!cell->weights_sha256 || !std::filesystem::exists(std::filesystem::path(model) / "config.json"))
      continue;
    auto& hash = hashes[model];
    if (hash.empty()) hash = weights_hash(Checkpoint::open(model));
    if (hash != *cell->weights_sha256)
      throw UserError(fmt::format("{}: the cell is of a model with the hash {:.12}.., {} has {:.12}..",
                                  run.cell.string(), *cell->weights_sha256, model, hash),
                      "name the model that the cells were made from, or another --cells");
  }
}

SweepTables tables_of(const Grid& grid, const std::vector<GridRun>& runs, const SweepOptions& options,
                      const std::string& title) {
  const auto cells = read_finished_runs(runs);
  std::vector<RunScore> scores;
  for (const RunCell& cell : cells) scores.push_back(score_of(cell));
  Comparison comparison = espalier::compare(layout_of(grid), std::move(scores));
  for (const RunCell& cell : cells) comparison.tokens += options.cells.empty() ? cell.tokens : 0;
  if (!options.cells.empty()) comparison.tokens = tokens_of_cells(options.cells);
  comparison.token_budget = grid.token_budget;
  const auto rows = [&](bool (*wanted)(const std::string&)) { return comparison_csv(comparison, wanted); };
  // Tables of 2206.00277: 1 leaves RTE out, 6 has it, 2 is SQuAD.
  std::map<std::string, std::string> csv{
      {"table-1.csv",
       rows([](const std::string& row) { return row != "rte" && row != "average" && row != kQuestionTask; })},
      {"table-2.csv", rows([](const std::string& row) { return row == kQuestionTask; })},
      {"table-6.csv", rows([](const std::string& row) { return row != "average_without_rte"; })},
      {"runs.csv", runs_csv(comparison)}};
  return {comparison_json(comparison, title, runs.size()),
          comparison_markdown(comparison, title, runs.size()) + winners_text(cells),
          setting_figures(comparison.layout, cells), std::move(csv), cells.size() == runs.size()};
}

}  // namespace

PreparedSweep prepare_settings(const std::string& toml, const SweepOptions& options,
                               const pipeline::RunContext& context) {
  FinetuneOptions described;
  options::OptionTable table;
  describe(table, described);
  const Grid grid = parse_grid(toml, options.grid.string(), grid_options(table));
  PreparedSweep sweep{runs_of(grid, options.out), {}, {}, {}};
  const RunGridOptions how = run_options(grid, options, context);
  for (GridRun& run : sweep.runs) {
    run.arguments = finetune_arguments(run);
    if (!options.cells.empty()) run.cell = cell_file(options.cells, run);
  }
  for (const GridRun& run : sweep.runs) {
    const RunState state = finished_cell(run) ? RunState::kFinished : state_of(run);
    sweep.commands.push_back((state == RunState::kFinished ? "# finished: " : "") +
                             shell_command(command_of(run, state, how.program_name, threads_per_run(how))));
  }
  check_models(sweep.runs);
  sweep.run = [grid, runs = sweep.runs, options](const pipeline::RunContext& now) {
    return run_grid(runs, run_options(grid, options, now));
  };
  sweep.tables = [grid, runs = sweep.runs, options](const std::string& title) {
    return tables_of(grid, runs, options, title);
  };
  return sweep;
}

}  // namespace espalier::training
