#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "artifacts/observations.h"
#include "artifacts/scores.h"
#include "prune/criteria/criterion.h"
#include "prune/window_schedule.h"

namespace espalier {

/// One MoE layer of E survivors in a window.
struct LayerWindow {
  std::vector<int> original;    ///< [E] the survivors' numbers at the start of the run
  LayerObservations sums;       ///< over the window's real tokens; padding never counts
  std::vector<double> weights;  ///< [E] what a criterion of weights says; empty for others
};

/// The scores of a window that has ended, so that they mean the same for all criteria: divided by their sum
/// over the layer's survivors, unless the criterion ranks alone (`ScoreScale::kSigned`). An expert that no
/// token was routed to has 0. `layers` ascending; all saw the same tokens, at least one. K of the model;
/// `seed` of random scores.
Scores window_scores(std::span<const LayerWindow> layers, const Criterion& criterion, const WindowEnd& end,
                     int experts_per_token, std::uint64_t seed);

}  // namespace espalier
