#pragma once

#include <string>
#include <vector>

#include "artifacts/figures.h"
#include "artifacts/run_folder.h"

namespace espalier {

/// The figures of the runs that have some (`figures.json`), drawn as SVG: a section for each run. Empty
/// without any.
std::string study_sections(const std::vector<RunFolder>& runs);

/// One figure as an SVG file of its own, with its title and the names of its series.
std::string standalone_svg(const Figure& figure);

}  // namespace espalier
