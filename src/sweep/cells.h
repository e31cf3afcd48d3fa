#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "artifacts/run_cell.h"
#include "sweep/grid_runs.h"

namespace espalier {

/// CELLS/TASK/SETTING/seed-N.json.
std::filesystem::path cell_file(const std::filesystem::path& cells, const GridRun& run);

/// The run as a cell: the one that is kept, else what its finished folder says; nothing for one that is not
/// finished. Throws UserError for one of other options.
std::optional<RunCell> finished_cell(const GridRun& run);

/// Writes the cell of a run that is finished to where it is kept, unless it is there; its tokens, or 0.
std::int64_t keep_cell(const GridRun& run);

/// Training tokens of every cell under the folder, whichever grid it is of.
std::int64_t tokens_of_cells(const std::filesystem::path& cells);

/// Of the command: without what may be elsewhere on another machine.
std::map<std::string, std::string> cell_options(const GridRun& run);

}  // namespace espalier
