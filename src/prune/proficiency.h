#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "artifacts/scores.h"
#include "prune/window_schedule.h"

namespace espalier {

/// Sums over a window's real tokens (padding never counts) in one MoE layer of E survivors. They add up: over
/// the steps of a window, over processes, and over the two parts of a window that was interrupted.
struct ProficiencySums {
  /// [E] sum over tokens of alpha_i, the float32 softmax over the survivors, whatever the token's route:
  /// before top-k and capacity, without jitter (2206.00277, numerator of eq. 4; the denominator is 1).
  std::vector<double> alpha;
  std::vector<std::int64_t> routed;  ///< [E] (token, slot) pairs routed to i, before capacity
  std::int64_t tokens = 0;

  ProficiencySums() = default;
  explicit ProficiencySums(std::size_t experts) : alpha(experts, 0.0), routed(experts, 0) {}

  void add(const ProficiencySums& other);
  /// [E], summing to 1: `alpha` / tokens (the mean of alpha_i, eq. 3), or `routed` / its sum. NaN without
  /// tokens.
  std::vector<double> scores(Proficiency criterion) const;
};

/// One MoE layer in a window.
struct LayerProficiency {
  int layer = 0;              ///< 0-based block
  std::vector<int> original;  ///< [E] the survivors' numbers at the start of the run
  ProficiencySums sums;
};

/// The scores of a window that has ended. `layers` ascending; all saw the same tokens. K is taken from the
/// sums.
Scores window_scores(std::span<const LayerProficiency> layers, Proficiency criterion, const WindowEnd& end);

}  // namespace espalier
