#include "moe/router.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/rng.h"
#include "moe/token_choice.h"

namespace espalier {
namespace {

/// Inputs times uniform(1 - jitter, 1 + jitter), drawn in token order.
torch::Tensor with_jitter(const torch::Tensor& x, double jitter, std::uint64_t key) {
  auto factors = torch::empty(x.sizes(), torch::kFloat32);
  auto* factor = factors.data_ptr<float>();
  at::parallel_for(0, factors.numel(), 1 << 14, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) {
      const double uniform =
          static_cast<double>(counter_random(key, static_cast<std::uint64_t>(i)) >> 11) * 0x1.0p-53;
      factor[i] = static_cast<float>(1.0 - jitter + 2.0 * jitter * uniform);
    }
  });
  return x * factors.to(x.options());
}

/// The K largest of each row, best first; ties keep the smaller index.
torch::Tensor top_k(const torch::Tensor& probabilities, std::int64_t k) {
  const auto values = probabilities.detach().to(torch::kCPU, torch::kFloat32).contiguous();
  const auto tokens = values.size(0), experts = values.size(1);
  auto chosen = torch::empty({tokens, k}, torch::kInt32);
  const float* p = values.data_ptr<float>();
  auto* out = chosen.data_ptr<std::int32_t>();
  at::parallel_for(0, tokens, 256, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t n = first; n < last; ++n)
      best_of({p + n * experts, static_cast<std::size_t>(experts)},
              {out + n * k, static_cast<std::size_t>(k)});
  });
  return chosen;
}

torch::Tensor within_capacity(const torch::Tensor& chosen, std::int64_t experts, double factor) {
  const auto tokens = chosen.size(0), k = chosen.size(1);
  const auto capacity = static_cast<std::int64_t>(
      std::ceil(static_cast<double>(tokens * k) * factor / static_cast<double>(experts)));
  auto accepted = chosen.clone();
  auto* choice = accepted.data_ptr<std::int32_t>();
  std::vector<std::int64_t> load(static_cast<std::size_t>(experts));
  for (std::int64_t slot = 0; slot < k; ++slot)
    for (std::int64_t n = 0; n < tokens; ++n)
      if (auto& e = choice[n * k + slot]; ++load[static_cast<std::size_t>(e)] > capacity) e = -1;
  return accepted;
}

}  // namespace

Routing route(const Ops& ops, const torch::Tensor& x, const torch::Tensor& weight,
              const RouterOptions& options, std::uint64_t key) {
  const auto input = options.jitter > 0 ? with_jitter(x, options.jitter, key) : x;
  Routing routing;
  routing.probabilities = torch::softmax(ops.linear(input, weight, {}), -1);
  routing.unjittered = options.jitter > 0 ? torch::softmax(ops.linear(x.detach(), weight.detach(), {}), -1)
                                          : routing.probabilities.detach();
  routing.chosen = top_k(routing.probabilities, options.experts_per_token);
  routing.accepted = options.capacity_factor
                         ? within_capacity(routing.chosen, weight.size(0), *options.capacity_factor)
                         : routing.chosen;
  const auto device = x.device();
  routing.gates = routing.probabilities.gather(1, routing.chosen.to(device, torch::kInt64));
  return routing;
}

torch::Tensor routed_counts(const Routing& routing) {
  const auto experts = routing.probabilities.size(1);
  return torch::bincount(routing.chosen.flatten().to(torch::kInt64), {}, experts);
}

torch::Tensor balance_loss(const Routing& routing) {
  if (routing.probabilities.size(0) == 0) return routing.probabilities.sum();
  const auto experts = static_cast<double>(routing.probabilities.size(1));
  const auto share = routed_counts(routing).to(routing.probabilities.options()) /
                     static_cast<double>(routing.chosen.numel());
  return experts * (share * routing.probabilities.mean(0)).sum();
}

}  // namespace espalier
