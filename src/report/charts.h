#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "artifacts/run_folder.h"

namespace espalier {

/// The line charts and expert-load maps of a page: their figures, and the data that page.js draws in them.
struct Charts {
  std::string line_figures;     ///< HTML
  std::string load_figures;     ///< HTML; empty without MoE layers
  nlohmann::ordered_json data;  ///< {"runs": [..], "charts": [..], "maps": [..]}
};

Charts make_charts(const std::vector<RunFolder>& runs);

}  // namespace espalier
