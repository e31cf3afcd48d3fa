#pragma once

#include <cstdint>
#include <vector>

#include "artifacts/observations.h"
#include "base/buffer.h"
#include "infer/experts.h"

namespace espalier {

/// Collects the statistics of one MoE layer from what passes through it, in one pass: the same for decoders,
/// encoders and vision models, whoever computes them.
///
/// "Routed" is before capacity. Of a router that keeps rows of pruned experts, experts have the numbers of
/// the model, and what went to pruned ones is counted nowhere (their scores are part of the entropy). Where
/// experts choose, a token's best one is that of its largest gate among those that took it, and there is none
/// for a token that nobody took.
class LayerObserver {
 public:
  /// `experts`: that the model holds.
  LayerObserver(int layer, std::int64_t experts, std::int64_t width);

  void routed(const infer::RoutingView& routing);
  /// Every pair of token and expert that was routed, each once.
  void computed(const infer::ExpertOutput& output);
  const LayerObservations& observations() const { return sums_; }

 private:
  void count_choices(const infer::RoutingView& routing);
  void sum_scores(const infer::RoutingView& routing);
  void sum_logit_products(const infer::RoutingView& routing);

  LayerObservations sums_;
  Buffer<float> norms_;               // [rows of one expert]
  std::vector<float> column_sums_;    // [D]
  Buffer<float> own_logits_;          // [rows, E] of the experts that are there
  std::vector<std::int32_t> row_of_;  // [E] router row of each expert
};

}  // namespace espalier
