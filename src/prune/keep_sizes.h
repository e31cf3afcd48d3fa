#pragma once

#include <cstdint>
#include <vector>

#include "prune/candidates.h"

namespace espalier {

// What a target comes to in experts and bytes.

/// floor(fraction * count + 1/2), the fraction taken as the decimal it is written as.
std::int64_t part_of(double fraction, std::int64_t count);

/// Bytes of one expert; throws UserError where the scores do not have them.
std::uint64_t expert_bytes(const LayerScores& layer);

/// What all layers of the scores take, skipped ones whole, when `kept[i]` experts of each group of
/// `layers[i]` stay; at most 2^64 - 1.
std::uint64_t bytes_kept(const std::vector<LayerCandidates>& layers, const Scores& scores,
                         const std::vector<int>& kept);

[[noreturn]] void too_few_bytes(std::uint64_t bytes, std::uint64_t least);

}  // namespace espalier
