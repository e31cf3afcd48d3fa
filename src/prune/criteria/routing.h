#pragma once

#include <vector>

#include "artifacts/observations.h"

namespace espalier {

// Criteria of what the router did; f(x) does not matter to them. [E], higher = keep. A never-routed expert is
// NaN, but for `alpha`, which looks at every token whatever its route.

/// Tokens routed to the expert.
std::vector<double> frequency(const LayerObservations& layer);
/// Its share of the (token, slot) pairs (2206.00277, R_i).
std::vector<double> hit_rate(const LayerObservations& layer);
/// Sum of the gates that the model really used, divided by all tokens (Expert Drop, He et al. 2024).
std::vector<double> mean_gate(const LayerObservations& layer);
/// Mean over all tokens of the router's scores normalised to 1 (2206.00277, eq. 3).
std::vector<double> alpha(const LayerObservations& layer);
/// Share of the tokens whose best expert it is, times exp(mean gate over those tokens): the importance score
/// that 2405.16646 compares with, as published for the pruning of NLLB-200. 0 if it is no token's best.
std::vector<double> importance(const LayerObservations& layer);

}  // namespace espalier
