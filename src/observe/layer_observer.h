#pragma once

#include <cstdint>
#include <vector>

#include "artifacts/observations.h"
#include "moe/streamed_experts.h"

namespace espalier {

/// Collects the statistics of one MoE layer from what passes through it, in one pass.
class LayerObserver {
 public:
  LayerObserver(int layer, std::int64_t experts, std::int64_t width);

  void routed(const TokenChoice& choice);
  void computed(const ExpertOutput& output);
  const LayerObservations& observations() const { return sums_; }

 private:
  void count_choices(const TokenChoice& choice);
  void sum_scores(const TokenChoice& choice);
  void sum_logit_products(const TokenChoice& choice);

  LayerObservations sums_;
  std::vector<float> norms_, column_sums_;
};

}  // namespace espalier
