#pragma once

#include <span>
#include <vector>

#include "artifacts/figures.h"
#include "artifacts/run_cell.h"
#include "sweep/comparison.h"

namespace espalier {

/// Figures 1, 3, 4, 5 and 6 of 2206.00277, those that the runs are there for: what each expert contributes in
/// the first window of `eager`; its score by criterion, by gamma and by beta, over the settings that differ
/// from `eager` in nothing else; and the shares of the experts over the windows.
std::vector<Figure> setting_figures(const ComparisonLayout& layout, std::span<const RunCell> cells);

/// series,x,y,low,high.
std::string figure_csv(const Figure& figure);

}  // namespace espalier
