#include "train/loss_window.h"

#include <algorithm>

namespace espalier {

void LossWindow::add_routing(std::int64_t block, const train::Routing& routing) {
  auto& sum = counts_[static_cast<int>(block)];
  sum = sum.defined() ? sum + routed_counts(routing) : routed_counts(routing);
}

void LossWindow::add_step(double task, double balance, double gradient_norm, std::int64_t tokens) {
  task_ += task;
  balance_ += balance;
  gradient_norm_ += gradient_norm;
  tokens_ += tokens;
  ++steps_;
}

double LossWindow::mean_task_loss() const {
  return task_ / static_cast<double>(std::max<std::int64_t>(1, steps_));
}

MetricsLine LossWindow::line(double balance_weight) const {
  const auto steps = static_cast<double>(std::max<std::int64_t>(1, steps_));
  MetricsLine line;
  line.loss = mean_task_loss() + balance_weight * balance_ / steps;
  if (!counts_.empty()) line.balance_loss = balance_ / steps / static_cast<double>(counts_.size());
  line.tokens_per_second = static_cast<double>(tokens_) / watch_.seconds();
  line.grad_norm = gradient_norm_ / steps;
  for (const auto& [layer, counts] : counts_) {
    const auto shares = (counts.to(torch::kFloat64) / counts.sum().to(torch::kFloat64)).contiguous();
    line.survivors[layer] = static_cast<int>(shares.numel());
    line.expert_load[layer].assign(shares.data_ptr<double>(), shares.data_ptr<double>() + shares.numel());
  }
  return line;
}

}  // namespace espalier
