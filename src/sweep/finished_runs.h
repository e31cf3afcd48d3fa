#pragma once

#include <span>
#include <vector>

#include "sweep/comparison.h"
#include "sweep/grid_runs.h"

namespace espalier {

/// The scores of the runs that are finished, read from their manifests and eval.json. Throws UserError for a
/// run with other options, or an eval.json that is absent, damaged or of another task.
std::vector<RunScore> read_finished_runs(std::span<const GridRun> runs);

ComparisonLayout layout_of(const Grid& grid);

}  // namespace espalier
