#include "sweep/cells.h"

#include <fmt/format.h>

#include "base/error.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

void check_cell(const GridRun& run, const RunCell& cell) {
  const auto where = run.cell.string();
  if (cell.task != run.task || cell.setting != run.setting || cell.seed != run.seed)
    throw UserError(fmt::format("{}: the cell is {}/{}/seed-{}, expected {}", where, cell.task, cell.setting,
                                cell.seed, run.name()),
                    "cells lie in CELLS/TASK/SETTING/seed-N.json");
  if (const auto differs = difference_of(cell.options, cell_options(run)); !differs.empty())
    throw UserError(fmt::format("{}: the cell is of a run with {}", where, differs),
                    "remove the file to run it anew, or name another --cells");
}

RunCell cell_of_folder(const GridRun& run) {
  RunCell cell = read_run_cell(run.folder);
  if (cell.eval.task != run.task)
    throw UserError(fmt::format("{}: task: found {}, expected {}", (run.folder / "eval.json").string(),
                                cell.eval.task, run.task),
                    "remove the folder of this run, and the same sweep makes it again");
  cell.task = run.task;
  cell.setting = run.setting;
  cell.seed = run.seed;
  cell.options = cell_options(run);
  return cell;
}

}  // namespace

fs::path cell_file(const fs::path& cells, const GridRun& run) {
  return run_folder(cells, {run.task, run.setting, fmt::format("seed-{}.json", run.seed)});
}

std::optional<RunCell> finished_cell(const GridRun& run) {
  if (!run.cell.empty() && fs::exists(run.cell)) {
    RunCell cell = read_cell(run.cell);
    check_cell(run, cell);
    return cell;
  }
  return state_of(run) == RunState::kFinished ? std::optional(cell_of_folder(run)) : std::nullopt;
}

std::int64_t keep_cell(const GridRun& run) {
  if (!run.cell.empty() && fs::exists(run.cell)) return 0;
  const RunCell cell = cell_of_folder(run);
  if (!run.cell.empty()) write_cell(run.cell, cell);
  return cell.tokens;
}

std::int64_t tokens_of_cells(const fs::path& cells) {
  std::int64_t tokens = 0;
  if (!fs::exists(cells)) return tokens;
  for (const auto& entry : fs::recursive_directory_iterator(cells))
    if (entry.is_regular_file() && entry.path().extension() == ".json")
      tokens += read_cell(entry.path()).tokens;
  return tokens;
}

std::map<std::string, std::string> cell_options(const GridRun& run) {
  auto options = spelt_options(run.arguments);
  for (const char* place : {"", "data"}) options.erase(place);
  return options;
}

}  // namespace espalier
