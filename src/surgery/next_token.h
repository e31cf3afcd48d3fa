#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "arch/topology.h"
#include "checkpoint/checkpoint.h"

namespace espalier {

/// The `count` experts of a layer whose router rows have the largest 2-norm (the first of equals), the same
/// number in each of `groups`; ascending. For layers that were never observed. Throws UserError where the
/// router is no floating-point tensor, and where groups do not divide `count`.
std::vector<int> best_by_router_norm(const Checkpoint& checkpoint, const MoeLayerTensors& layer,
                                     std::size_t count, std::int64_t groups);

}  // namespace espalier
