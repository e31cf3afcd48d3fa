#pragma once

#include <vector>

#include "artifacts/expert_moments.h"
#include "prune/grouping.h"

namespace espalier {

/// The weights c that make the layer with merged experts come closest to the layer as it is, over single
/// tokens, as long as a merged expert gives the same sum of outputs as of weights:
///
///     min over c of  sum over n || sum_i a_i f_i - sum_g A_g sum_{i in g} c_i f_i ||^2,   A_g = sum_{i in g}
///     a_i
///
/// with a_i(n) the gates of the model (0 where not routed). Groups of one stay as they are.
/// [groups][members]; an empty list for groups of one, and for groups whose equations do not have full rank
/// (never routed on these tokens, or experts that are alike), which then take no part.
std::vector<std::vector<double>> least_squares_weights(const TokenSamples& samples, std::size_t experts,
                                                       const ExpertGroups& groups);

}  // namespace espalier
