#pragma once

#include <cstdint>

#include "observe/accumulate.h"

namespace espalier {

/// Collects all statistics of one MoE layer in one pass.
class LayerObserver {
 public:
  /// `experts`: that the model holds.
  LayerObserver(int layer, std::int64_t experts, std::int64_t width)
      : width_(width), sums_(layer, static_cast<std::size_t>(experts), static_cast<std::size_t>(width)) {}

  void routed(const infer::RoutingView& routing) { add_routing(routing, RoutingStatistics::kAll, sums_); }
  void computed(const infer::ExpertOutput& output) { add_outputs(output, width_, sums_); }
  const LayerObservations& observations() const { return sums_; }

 private:
  std::int64_t width_;
  LayerObservations sums_;
};

}  // namespace espalier
