#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "artifacts/observations.h"
#include "prune/grouping.h"

namespace espalier {

/// With which weights the experts of each group are added up.
struct GroupWeights {
  std::vector<std::vector<double>> weights;  ///< [groups][members], in the order of the groups
  std::vector<std::string> fallback;         ///< [groups] why another rule was used; empty: it was not
};

/// One rule for the weights. `compute` is given groups of a layer that together may be all of it.
struct MergeWeighting {
  std::string_view name;
  std::string_view definition;  ///< one line, for `--help` and tables
  GroupWeights (*compute)(const LayerObservations& layer, const ExpertGroups& groups) = nullptr;
};

/// The table.
std::span<const MergeWeighting> merge_weightings();
/// Throws UserError that names the nearest one.
const MergeWeighting& find_merge_weighting(std::string_view name);

}  // namespace espalier
