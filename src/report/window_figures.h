#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "artifacts/run_folder.h"

namespace espalier {

/// Figures of the experts' shares by window: one for each run that prunes and layer that it prunes.
struct WindowFigures {
  std::string html;             ///< empty where no run has scores
  nlohmann::ordered_json data;  ///< for page.js, an array
};

WindowFigures window_figures(const std::vector<RunFolder>& runs);

}  // namespace espalier
