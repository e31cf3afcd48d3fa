#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "artifacts/run_folder.h"

namespace espalier {

/// The line charts, expert-load maps and shares by window of a page: their figures, and the data that page.js
/// draws in them.
struct Charts {
  std::string line_figures;     ///< HTML
  std::string load_figures;     ///< HTML; empty without MoE layers
  std::string window_figures;   ///< HTML; empty without pruning
  nlohmann::ordered_json data;  ///< {"runs": [..], "charts": [..], "maps": [..], "windows": [..]}
};

Charts make_charts(const std::vector<RunFolder>& runs);

}  // namespace espalier
