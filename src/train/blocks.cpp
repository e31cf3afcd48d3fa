#include <array>

#include "base/rng.h"
#include "train/load_losses.h"
#include "train/pass.h"

namespace espalier::train {
namespace {

/// The numbers of `Draw` are part of what a seed means, and vision models count their own.
constexpr std::array<std::uint64_t, 6> kTextDraws{0, 1, 2, 3, 4, 5};
constexpr std::array<std::uint64_t, 6> kImageDraws{0, 5, 1, 2, 3, 4};

bool reads_images(const Transformer& model) {
  return std::holds_alternative<arch::ImageInput>(model.spec.input);
}

RouterOptions router_options(const Pass& pass, const arch::MixtureOfExperts& moe) {
  const auto& router = moe.router;
  const bool by_tokens = router.chooser == arch::WhoChooses::kTokens;
  const auto rows = router.rows / pass.model.spec.members;
  RouterOptions options{.rule = router.rule,
                        .capacity_factor = router.capacity_factor,
                        .chooser = router.chooser,
                        .capacity_experts = router.capacity_experts,
                        .batch_prioritized = router.batch_prioritized};
  // A layer may have fewer experts than the others.
  if (by_tokens) options.rule.experts_per_token = std::min(router.rule.experts_per_token, rows);
  if (!by_tokens) options.group_tokens = pass.model.spec.positions();
  if (pass.trains()) options.jitter = router.jitter;
  if (pass.trains() && by_tokens) options.logit_noise = router.noise / static_cast<double>(rows);
  return options;
}

/// What keeps experts in use: of text the loss of Fedus et al. 2021, unless biases do; of images those of
/// Riquelme et al. 2021, unless experts choose, which are never overloaded.
void add_router_loss(Pass& pass, const arch::MixtureOfExperts& moe, const MoeOutput& output) {
  if (!reads_images(pass.model)) {
    if (!moe.router.rule.correction_bias) pass.add_loss(balance_loss(output.routing));
    return;
  }
  if (!pass.trains() || moe.router.chooser == arch::WhoChooses::kExperts) return;
  const auto loss_of = [&](const Routing& routing) {
    return importance_loss(routing) + load_loss(routing, routing.chosen.size(1));
  };
  if (output.parts.empty()) return pass.add_loss(loss_of(output.routing));
  for (const Routing& part : output.parts)
    pass.add_loss(loss_of(part) / static_cast<double>(output.parts.size()));
}

torch::Tensor routed(Pass& pass, std::int64_t layer, const arch::MixtureOfExperts& spec,
                     const MoeWeights& moe, const torch::Tensor& x) {
  if (!moe.router.defined()) {
    const auto y = pass.ops.feed_forward(x, moe.experts.expert(0));
    return spec.router.rule.scale == 1.0 ? y : y * spec.router.rule.scale;
  }
  const auto output =
      routed_experts(pass.ops, moe, expert_of_row(spec.router), x, pass.members, router_options(pass, spec),
                     pass.key(layer, Draw::kRouter), pass.options.outputs_tap(layer));
  add_router_loss(pass, spec, output);
  if (pass.options.on_routing) pass.options.on_routing(layer, output.routing);
  return output.y;
}

}  // namespace

Pass::Pass(const Transformer& of, const ForwardOptions& how, SequenceLayout packed)
    : model(of), options(how), ops(espalier::ops(how.backend)), layout(std::move(packed)) {}

std::uint64_t Pass::key(std::int64_t block, Draw draw) const {
  const auto& numbers = reads_images(model) ? kImageDraws : kTextDraws;
  return counter_random(options.seed, static_cast<std::uint64_t>(block),
                        numbers[static_cast<std::size_t>(draw)]);
}

Dropout Pass::dropout(std::int64_t block, Draw draw, std::optional<double> probability) const {
  if (!trains()) return {};
  return {probability.value_or(model.spec.training.hidden_dropout), key(block, draw)};
}

torch::Tensor apply_linear(const Pass& pass, const Linear& linear, const torch::Tensor& x) {
  return pass.ops.linear(x, linear.weight, linear.bias);
}

torch::Tensor apply_norm(const Pass& pass, const arch::Norm& spec, const NormWeights& norm,
                         const torch::Tensor& x) {
  return spec.kind == arch::NormKind::kRms
             ? pass.ops.rms_norm(x, norm.weight, spec.epsilon)
             : pass.ops.layer_norm({}, x, norm.weight, norm.bias, spec.epsilon, {});
}

torch::Tensor apply_feed_forward(Pass& pass, std::int64_t layer, const torch::Tensor& x) {
  const auto& block = pass.model.blocks[static_cast<std::size_t>(layer)];
  const auto* moe = block.moe();
  if (moe == nullptr) return pass.ops.feed_forward(x, std::get<FeedForwardWeights>(block.feed_forward));
  const auto& spec = *pass.model.spec.blocks[static_cast<std::size_t>(layer)].moe();
  const auto y = routed(pass, layer, spec, *moe, x);
  if (!moe->shared.up.defined()) return y;
  auto shared = pass.ops.feed_forward(x, moe->shared);
  if (moe->shared_gate.defined()) shared = shared * torch::sigmoid(pass.ops.linear(x, moe->shared_gate, {}));
  return y + shared;
}

torch::Tensor apply_block(Pass& pass, std::int64_t layer, const torch::Tensor& x) {
  const auto& spec = pass.model.spec.blocks[static_cast<std::size_t>(layer)];
  const auto& block = pass.model.blocks[static_cast<std::size_t>(layer)];
  const auto first = pass.dropout(layer, Draw::kAttentionOutput), second = pass.dropout(layer, Draw::kOutput);
  if (spec.placement == arch::NormPlacement::kPre) {
    const auto attended = apply_mixer(pass, layer, apply_norm(pass, spec.norm, block.mixer_norm, x));
    const auto sum = pass.wanted(x) + pass.ops.dropout(attended, first);
    const auto y = apply_feed_forward(pass, layer, apply_norm(pass, spec.norm, block.feed_forward_norm, sum));
    return sum + pass.ops.dropout(y, second);
  }
  const auto normed = [&](const torch::Tensor& residual, const torch::Tensor& y, const NormWeights& norm,
                          const Dropout& dropout) {
    if (spec.norm.kind == arch::NormKind::kRms)
      return pass.ops.rms_norm(residual + pass.ops.dropout(y, dropout), norm.weight, spec.norm.epsilon);
    return pass.ops.layer_norm(residual, y, norm.weight, norm.bias, spec.norm.epsilon, dropout);
  };
  const auto sum = normed(pass.wanted(x), apply_mixer(pass, layer, x), block.mixer_norm, first);
  return normed(sum, apply_feed_forward(pass, layer, sum), block.feed_forward_norm, second);
}

}  // namespace espalier::train
