#include <fmt/format.h>

#include "base/error.h"
#include "base/rng.h"
#include "model/vmoe.h"
#include "moe/load_losses.h"

namespace espalier {
namespace {

/// The places of a block that draw random numbers.
enum class Draw : std::uint64_t { kEmbedding, kAttentionOutput, kRouter, kOutput };

std::uint64_t draw_key(const ForwardOptions& options, std::int64_t block, Draw draw) {
  return counter_random(options.seed, static_cast<std::uint64_t>(block), static_cast<std::uint64_t>(draw));
}

/// [B, S, S, 3] -> [B * patches, P * P * 3]
torch::Tensor patches_of(const VmoeConfig& config, const torch::Tensor& pixels) {
  if (pixels.dim() != 4 || pixels.size(1) != config.image_size || pixels.size(2) != config.image_size ||
      pixels.size(3) != 3)
    throw UserError(fmt::format("images of {} x {} pixels, the model takes {} x {}", pixels.size(1),
                                pixels.size(2), config.image_size, config.image_size));
  const auto B = pixels.size(0), P = config.patch_size, G = config.image_size / P;
  return pixels.view({B, G, P, G, P, 3}).permute({0, 1, 3, 2, 4, 5}).reshape({B * G * G, P * P * 3});
}

/// One pass through the model.
class Pass {
 public:
  Pass(const VmoeModel& model, const ForwardOptions& options)
      : model_(model), config_(model.config), options_(options), ops_(espalier::ops(options.backend)) {}

  VmoeOutput run(const torch::Tensor& pixels) {
    images_ = pixels.size(0);
    auto x = embed(pixels);
    for (std::int64_t l = 0; l < config_.num_hidden_layers; ++l) {
      if (members_ < config_.ensemble_size && config_.moe_in(l) != nullptr) {
        members_ = config_.ensemble_size;  // below the first MoE layer the members are the same
        x = x.repeat({members_, 1});
      }
      x = block(l, x);
    }
    const auto layout_rows =
        x.view({images_ * members_, config_.positions(), config_.hidden_size}).select(1, 0);
    const auto normed =
        ops_.norm(layout_rows.contiguous(), model_.norm.weight, model_.norm.bias, config_.layer_norm_eps, {});
    return {ops_.linear(normed, model_.classifier.weight, model_.classifier.bias), router_loss_};
  }

 private:
  bool trains() const { return options_.mode == Mode::kTraining; }

  Dropout dropout(std::int64_t block, Draw draw) const {
    if (!trains()) return {};
    return {config_.hidden_dropout_prob, draw_key(options_, block, draw)};
  }

  torch::Tensor embed(const torch::Tensor& pixels) const {
    const auto D = config_.hidden_size;
    const auto patches = ops_.linear(patches_of(config_, pixels), model_.patch.weight, model_.patch.bias);
    const auto tokens = torch::cat({model_.class_token.view({1, 1, D}).expand({images_, 1, D}),
                                    patches.view({images_, config_.patches(), D})},
                                   1) +
                        model_.position;
    return ops_.dropout(tokens.view({-1, D}), dropout(-1, Draw::kEmbedding));
  }

  torch::Tensor block(std::int64_t l, const torch::Tensor& x) {
    const VmoeBlock& block = model_.blocks[static_cast<std::size_t>(l)];
    const auto layout = SequenceLayout::uniform(images_ * members_, config_.positions());
    const auto normed =
        ops_.norm(x, block.attention_norm.weight, block.attention_norm.bias, config_.layer_norm_eps, {});
    const auto context = ops_.attention(ops_.linear(normed, block.qkv.weight, block.qkv.bias), layout,
                                        config_.num_attention_heads, {});
    const auto attended = ops_.linear(context, block.attention_output.weight, block.attention_output.bias);
    const auto sum = x + ops_.dropout(attended, dropout(l, Draw::kAttentionOutput));
    const auto again = ops_.norm(sum, block.feed_forward_norm.weight, block.feed_forward_norm.bias,
                                 config_.layer_norm_eps, {});
    return sum + ops_.dropout(feed_forward(l, again), dropout(l, Draw::kOutput));
  }

  torch::Tensor feed_forward(std::int64_t l, const torch::Tensor& x) {
    const auto& weights = model_.blocks[static_cast<std::size_t>(l)].feed_forward;
    if (const auto* ffn = std::get_if<FfnWeights>(&weights)) return ops_.ffn(x, *ffn);
    const auto& moe = std::get<MoeLayer>(weights);
    const auto router = router_options(*config_.moe_in(l));
    const auto key = draw_key(options_, l, Draw::kRouter);
    if (members_ == 1) {
      const auto output = espalier::forward(ops_, moe, x, router, key);
      add_router_loss(output.routing, 1);
      report(l, output.routing);
      return output.y;
    }
    const auto output = forward_ensemble(ops_, moe, x, members_, router, key);
    for (const Routing& part : output.parts) add_router_loss(part, members_);
    report(l, output.routing);
    return output.y;
  }

  void report(std::int64_t l, const Routing& routing) const {
    if (options_.on_routing) options_.on_routing(l, routing);
  }

  RouterOptions router_options(const VmoeLayer& layer) const {
    RouterOptions router;
    router.experts_per_token = config_.num_experts_per_tok;
    router.capacity_factor = config_.capacity_factor;
    router.kind = config_.router;
    router.group_tokens = config_.positions();
    router.capacity_experts = layer.capacity_experts;
    router.batch_prioritized = config_.batch_prioritized;
    const auto own_rows = static_cast<double>(layer.router_rows / config_.ensemble_size);
    if (trains() && config_.router == RouterKind::kTokenChoice)
      router.logit_noise = config_.router_noise / own_rows;
    return router;
  }

  /// Experts that choose are never overloaded.
  void add_router_loss(const Routing& routing, std::int64_t members) {
    if (config_.router == RouterKind::kExpertChoice || !trains()) return;
    const auto loss = (importance_loss(routing) + load_loss(routing, config_.num_experts_per_tok)) /
                      static_cast<double>(members);
    router_loss_ = router_loss_.defined() ? router_loss_ + loss : loss;
  }

  const VmoeModel& model_;
  const VmoeConfig& config_;
  const ForwardOptions& options_;
  const Ops& ops_;
  std::int64_t images_ = 0, members_ = 1;
  torch::Tensor router_loss_;
};

}  // namespace

VmoeOutput forward(const VmoeModel& model, const torch::Tensor& pixels, const ForwardOptions& options) {
  return Pass(model, options).run(pixels);
}

}  // namespace espalier
