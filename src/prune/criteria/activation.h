#pragma once

#include <vector>

#include "artifacts/observations.h"

namespace espalier {

// Criteria of the experts' outputs f(x) on the tokens routed to them. [E], higher = keep; a never-routed
// expert is NaN.

/// Sum of ||f(x)||_2 (expert activation norm).
std::vector<double> ean_sum(const LayerObservations& layer);
/// Mean of ||f(x)||_2.
std::vector<double> ean_mean(const LayerObservations& layer);
/// Mean of g ||f(x)||_2, g the gate as the model really uses it (REAP 2025).
std::vector<double> reap(const LayerObservations& layer);

}  // namespace espalier
