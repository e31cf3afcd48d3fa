#pragma once

#include <string>
#include <vector>

#include "artifacts/run_folder.h"

namespace espalier {

/// The figures of the runs that have some (`figures.json`), drawn as SVG: a section for each run. Empty
/// without any.
std::string study_sections(const std::vector<RunFolder>& runs);

}  // namespace espalier
