#include "train/router.h"

#include <ATen/Parallel.h>

#include <span>
#include <vector>

#include "arch/token_rule.h"
#include "base/rng.h"
#include "infer/encoder_router.h"
#include "infer/expert_choice.h"

namespace espalier::train {
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

/// What of the options inference has too.
arch::Router chooser(const RouterOptions& options) {
  return {.rule = options.rule,
          .chooser = options.chooser,
          .capacity_factor = options.capacity_factor,
          .capacity_experts = options.capacity_experts,
          .batch_prioritized = options.batch_prioritized};
}

torch::Tensor within_capacity(const torch::Tensor& scores, const torch::Tensor& chosen,
                              const RouterOptions& options) {
  const auto best = std::get<0>(scores.detach().to(torch::kCPU, torch::kFloat32).max(1)).contiguous();
  auto accepted = chosen.clone();
  infer::keep_within_capacity(chooser(options), chosen.size(0), chosen.size(1), scores.size(1),
                              best.data_ptr<float>(), accepted.data_ptr<std::int32_t>());
  return accepted;
}

/// Normal numbers (Box-Muller), each a function of the key and its place.
torch::Tensor normal_noise(at::IntArrayRef shape, double deviation, std::uint64_t key) {
  auto noise = torch::empty(shape, torch::kFloat32);
  auto* value = noise.data_ptr<float>();
  at::parallel_for(0, noise.numel(), 1 << 12, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i)
      value[i] = static_cast<float>(deviation * Rng(key, static_cast<std::uint64_t>(i)).normal());
  });
  return noise;
}

/// The choice of a rule that looks at more than the scores; what it weighs with is made with gradients.
torch::Tensor chosen_by_rule(const RouterConfig& rule, const torch::Tensor& logits,
                             const torch::Tensor& correction) {
  const auto values = logits.detach().to(torch::kCPU, torch::kFloat32).contiguous();
  const auto N = values.size(0), E = values.size(1), K = rule.experts_per_token;
  auto chosen = torch::empty({N, K}, torch::kInt32);
  const float* h = values.data_ptr<float>();
  auto* out = chosen.data_ptr<std::int32_t>();
  const auto width = static_cast<std::size_t>(E), slots = static_cast<std::size_t>(K);
  const auto bias = correction.defined() ? std::span<const float>(correction.data_ptr<float>(), width)
                                         : std::span<const float>();
  at::parallel_for(0, N, 256, [&](std::int64_t first, std::int64_t last) {
    TokenRuleScratch scratch;
    std::vector<float> alpha(width), gates(slots);
    for (std::int64_t n = first; n < last; ++n)
      choose_for_token(rule, {h + n * E, width}, bias, scratch, alpha, {out + n * K, slots}, gates);
  });
  return chosen;
}

/// [N, E] what gates are made of.
torch::Tensor scores_of(const RouterConfig& rule, const torch::Tensor& logits) {
  return rule.score == GateScore::kSigmoid ? torch::sigmoid(logits) : torch::softmax(logits, -1);
}
/// The same, with a sum of 1.
torch::Tensor probabilities_of(const RouterConfig& rule, const torch::Tensor& scores) {
  return rule.score == GateScore::kSigmoid ? scores / scores.sum(-1, /*keepdim=*/true) : scores;
}

void choose_by_tokens(const RouterOptions& options, const torch::Tensor& logits, const torch::Tensor& scores,
                      const torch::Tensor& correction, Routing& routing) {
  const auto& rule = options.rule;
  const bool by_scores = rule.groups == 1 && !correction.defined();
  routing.chosen =
      by_scores ? top_k(scores, rule.experts_per_token) : chosen_by_rule(rule, logits, correction);
  routing.accepted =
      options.capacity_factor ? within_capacity(scores, routing.chosen, options) : routing.chosen;
  auto gates = scores.gather(1, routing.chosen.to(scores.device(), torch::kInt64));
  if (rule.normalise || rule.score == GateScore::kSoftmaxOfChosen)
    gates = gates / (gates.sum(-1, /*keepdim=*/true) + 1e-20);
  routing.gates = rule.scale == 1.0 ? gates : gates * rule.scale;
}

void choose_by_experts(const RouterOptions& options, Routing& routing) {
  routing.chooser = arch::WhoChooses::kExperts;
  const auto values = routing.probabilities.detach().to(torch::kCPU, torch::kFloat32).contiguous();
  const auto N = values.size(0), E = values.size(1);
  const auto group = options.group_tokens > 0 ? options.group_tokens : N;
  routing.chosen = torch::empty({N, E}, torch::kInt32);
  infer::choose_by_experts(N, E, values.data_ptr<float>(), group,
                           infer::capacity_of(chooser(options), group, E),
                           routing.chosen.data_ptr<std::int32_t>());
  routing.accepted = routing.chosen;
  routing.gates = routing.probabilities;
}

}  // namespace

Routing route(const Ops& ops, const torch::Tensor& x, const torch::Tensor& weight,
              const torch::Tensor& correction, const RouterOptions& options, std::uint64_t key) {
  const auto input = options.jitter > 0 ? with_jitter(x, options.jitter, key) : x;
  Routing routing;
  routing.logits = ops.linear(input, weight, {});
  auto logits = routing.logits;
  if (options.logit_noise > 0) {
    routing.noise_deviation = options.logit_noise;
    logits = routing.noisy_logits =
        logits + normal_noise(logits.sizes(), options.logit_noise, key).to(logits.options());
  }
  const auto scores = scores_of(options.rule, logits);
  routing.probabilities = probabilities_of(options.rule, scores);
  const auto of = [&](const torch::Tensor& quiet) {
    return probabilities_of(options.rule, scores_of(options.rule, quiet));
  };
  if (options.jitter > 0)
    routing.unjittered = of(ops.linear(x.detach(), weight.detach(), {}));
  else
    routing.unjittered =
        options.logit_noise > 0 ? of(routing.logits.detach()) : routing.probabilities.detach();
  if (options.chooser == arch::WhoChooses::kTokens)
    choose_by_tokens(options, logits, scores, correction, routing);
  else
    choose_by_experts(options, routing);
  return routing;
}

torch::Tensor routed_counts(const Routing& routing) {
  const auto experts = routing.probabilities.size(1);
  const auto chosen = routing.chosen.flatten().to(torch::kInt64);
  // One more bin, in front, for slots without an expert.
  return torch::bincount(chosen + 1, {}, experts + 1).narrow(0, 1, experts);
}

torch::Tensor balance_loss(const Routing& routing) {
  if (routing.probabilities.size(0) == 0) return routing.probabilities.sum();
  const auto experts = static_cast<double>(routing.probabilities.size(1));
  const auto share = routed_counts(routing).to(routing.probabilities.options()) /
                     static_cast<double>(routing.chosen.numel());
  return experts * (share * routing.probabilities.mean(0)).sum();
}

}  // namespace espalier::train
