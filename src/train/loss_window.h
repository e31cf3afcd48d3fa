#pragma once

#include <torch/types.h>

#include <cstdint>
#include <map>

#include "artifacts/metrics.h"
#include "base/stopwatch.h"
#include "train/router.h"

namespace espalier {

/// Sums over the steps since the last line of metrics.jsonl.
class LossWindow {
 public:
  void add_routing(std::int64_t block, const train::Routing& routing);
  /// `balance` is the sum over the MoE layers.
  void add_step(double task, double balance, double gradient_norm, std::int64_t tokens);

  double mean_task_loss() const;
  /// Loss, balance, speed, survivors and expert load; the rest of the line is the caller's.
  MetricsLine line(double balance_weight) const;

 private:
  double task_ = 0, balance_ = 0, gradient_norm_ = 0;
  std::int64_t steps_ = 0, tokens_ = 0;
  std::map<int, torch::Tensor> counts_;  // MoE layer -> [E] int64
  Stopwatch watch_;
};

}  // namespace espalier
