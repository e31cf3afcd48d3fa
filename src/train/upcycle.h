#pragma once

#include <cstdint>
#include <vector>

#include "train/transformer.h"

namespace espalier::train {

struct UpcycleOptions {
  std::int64_t num_experts = 8;
  std::vector<std::int64_t> moe_layers;  ///< 0-based blocks
  std::int64_t experts_per_token = 1;
  double router_logits = 0.1;  ///< standard deviation of the fresh router's logits: how sure it is of itself
  double redraw = 0.0;         ///< share of each copy's inner neurons that is drawn anew
  double noise = 0.0;          ///< on each copy's weights, as a share of their standard deviation
  std::uint64_t seed = 0;
};

/// Copies each listed block's FFN into `num_experts` experts (Komatsuzaki et al. 2023, sparse upcycling) with
/// a random router. Gates are no more than shares, so copies alone would shrink the layer's output: their
/// output projections are divided by `expected_gates`, and step 0 is close to the dense model; with
/// `router_logits` 0 it is the dense model. Throws UserError for a model that has experts, or is no encoder.
///
/// Copies of one network that see the same text stay alike. What parts them: a router that is sure of itself
/// (`router_logits`), so that each learns from tokens of its own; `redraw`, inner neurons of each copy drawn
/// from the statistics of those they take the place of (Nakamura et al. 2025, drop-upcycling, arXiv
/// 2502.19261); `noise`. The last two change what step 0 computes.
Transformer upcycle(const Transformer& dense, const UpcycleOptions& options);

/// Mean sum of the K largest of E softmax gates whose logits are normal(0, deviation): K/E where it is 0.
double expected_gates(std::int64_t experts, std::int64_t experts_per_token, double deviation);

}  // namespace espalier::train
