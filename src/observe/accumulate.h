#pragma once

#include <cstdint>

#include "artifacts/observations.h"
#include "infer/experts.h"

// The statistics of one MoE layer from what passes through it: the same for decoders, encoders and vision
// models, whoever computes them, also while they are trained.
//
// "Routed" is before capacity. Of a router that keeps rows of pruned experts, experts have the numbers of the
// model, and what went to pruned ones is counted nowhere (their scores are part of the entropy). Where
// experts choose, a token's best one is that of its largest gate among those that took it, and there is none
// for a token that nobody took.
namespace espalier {

/// How much is added up of a router's decisions.
enum class RoutingStatistics {
  kAll,
  kOfCriteria  ///< what criteria look at alone: no entropy, no logits (which may be null), no pairs of
               ///< experts
};

void add_routing(const infer::RoutingView& routing, RoutingStatistics statistics, LayerObservations& sums);

/// Rows of width D that an expert computed: their norms, and where the sums have a place for them (width D,
/// not 0) their values. Every pair of token and expert that was routed, each once.
void add_outputs(const infer::ExpertOutput& output, std::int64_t width, LayerObservations& sums);

}  // namespace espalier
