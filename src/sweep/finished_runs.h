#pragma once

#include <span>
#include <vector>

#include "artifacts/run_cell.h"
#include "sweep/comparison.h"
#include "sweep/grid_runs.h"

namespace espalier {

/// The runs that are finished, from their cells or their folders. Throws UserError for a run with other
/// options, or an eval.json that is absent, damaged or of another task.
std::vector<RunCell> read_finished_runs(std::span<const GridRun> runs);

/// What a comparison needs of it. Throws UserError where its task's metric is missing.
RunScore score_of(const RunCell& cell);

ComparisonLayout layout_of(const Grid& grid);

}  // namespace espalier
