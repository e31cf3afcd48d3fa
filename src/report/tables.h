#pragma once

#include <string>
#include <vector>

#include "artifacts/run_folder.h"

namespace espalier {

// Sections of the page without charts, as HTML; empty where no run has anything to show.
std::string headline_section(const std::vector<RunFolder>& runs);  ///< cards for one run, a table for several
std::string timing_section(const std::vector<RunFolder>& runs);
std::string results_section(
    const std::vector<RunFolder>& runs);  ///< quality, size and speed: a row for each run
std::string bench_section(const std::vector<RunFolder>& runs);
std::string options_section(const std::vector<RunFolder>& runs);  ///< side by side; differences are marked
std::string machine_section(const std::vector<RunFolder>& runs);
std::string steps_section(const std::vector<RunFolder>& runs);  ///< some logged steps, in place of the charts

}  // namespace espalier
