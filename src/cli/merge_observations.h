#pragma once

#include <string>
#include <vector>

#include "cli/global_options.h"

namespace espalier {

/// `observe --merge A B --weights 1,2 --out FILE`: what a calibration run over all the data would have seen.
struct MergeOptions {
  std::vector<std::string> files;
  std::vector<double> weights;  ///< empty: 1 each
  std::string out;
};

/// Writes `out` and says what is in it. Throws UserError where the files are not of one model.
void merge_observations(const MergeOptions& options, const GlobalOptions& global);

}  // namespace espalier
