#include "train/load_losses.h"

#include <cmath>

namespace espalier::train {
namespace {

/// (deviation / mean)^2, the deviation that of the whole population.
torch::Tensor squared_variation(const torch::Tensor& totals) {
  const auto mean = totals.mean();
  return (totals - mean).square().mean() / (mean * mean);
}

}  // namespace

torch::Tensor importance_loss(const Routing& routing) {
  if (routing.probabilities.size(0) == 0) return routing.probabilities.sum();
  return squared_variation(routing.probabilities.sum(0));
}

torch::Tensor load_loss(const Routing& routing, std::int64_t experts_per_token) {
  if (!routing.noisy_logits.defined() || routing.logits.size(0) == 0)
    return torch::zeros({}, routing.probabilities.options());
  const auto threshold =
      std::get<0>(routing.noisy_logits.topk(experts_per_token, 1))
          .narrow(1, experts_per_token - 1, 1);  // [N, 1] of the last expert that was chosen
  const auto needed = (threshold - routing.logits) / routing.noise_deviation;
  const auto probability = 0.5 * torch::erfc(needed / std::sqrt(2.0));
  return squared_variation(probability.mean(0));
}

}  // namespace espalier::train
