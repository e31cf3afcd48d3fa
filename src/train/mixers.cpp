#include <algorithm>

#include "base/error.h"
#include "train/pass.h"

namespace espalier::train {
namespace {

/// The table of a block's angles; blocks that turn alike share it.
const RopeTable& rope_of(Pass& pass, const std::optional<arch::Rotary>& rotary) {
  static const RopeTable none;
  if (!rotary) return none;
  if (pass.rotary != rotary) {
    pass.rope = rope_table(*rotary, std::max<std::int64_t>(1, pass.layout.longest()));
    pass.rotary = rotary;
  }
  return pass.rope;
}

/// RMS norm of each head of x [N, heads * d], or of all its columns, as the weight's size tells.
torch::Tensor norm_heads(const Pass& pass, double epsilon, const torch::Tensor& x,
                         const torch::Tensor& weight) {
  return pass.ops.rms_norm(x.reshape({-1, weight.size(0)}), weight, epsilon).view_as(x);
}

torch::Tensor attend(Pass& pass, std::int64_t layer, const arch::GroupedAttention& spec,
                     const GroupedWeights& w, const torch::Tensor& x) {
  const auto H = spec.heads, G = spec.key_value_heads, d = spec.key_width, v = spec.value_width;
  const double epsilon = pass.model.spec.blocks[static_cast<std::size_t>(layer)].norm.epsilon;
  auto qkv = apply_linear(pass, w.qkv, x);
  if (w.query_norm.defined())
    qkv = torch::cat({norm_heads(pass, epsilon, qkv.narrow(1, 0, H * d), w.query_norm),
                      norm_heads(pass, epsilon, qkv.narrow(1, H * d, G * d), w.key_norm),
                      qkv.narrow(1, (H + G) * d, G * v)},
                     1);
  if (spec.clip) qkv = qkv.clamp(-*spec.clip, *spec.clip);
  const AttentionHeads heads{
      .heads = H,
      .key_value_heads = G,
      .key_width = d,
      .value_width = v,
      .causal = spec.causal,
      .window = spec.window,
      .scale = spec.scale,
      .turned_from = spec.rotary ? d - spec.rotary->width : 0,
      .interleaved = spec.rotary && spec.rotary->pairs == arch::RotaryPairs::kNeighbours};
  const auto dropout = pass.dropout(layer, Draw::kAttention, pass.model.spec.training.attention_dropout);
  const auto attended = pass.ops.attention(qkv, pass.layout, heads, rope_of(pass, spec.rotary), dropout);
  return apply_linear(pass, w.output, pass.wanted(attended));
}

/// The one rotated part of all keys is repeated for each head.
torch::Tensor attend(Pass& pass, std::int64_t /*layer*/, const arch::LatentAttention& spec,
                     const LatentWeights& w, const torch::Tensor& x) {
  const auto N = x.size(0), H = spec.heads, n = spec.nope_width, v = spec.value_width, r = spec.rotary.width;
  const double epsilon = spec.norm_epsilon;
  auto narrow = x;
  if (w.query_norm.defined())
    narrow = norm_heads(pass, epsilon, apply_linear(pass, w.query_down, x), w.query_norm);
  const auto queries = apply_linear(pass, w.query, narrow);
  const auto down = apply_linear(pass, w.key_value_down, x);
  const auto latent = norm_heads(pass, epsilon, down.narrow(1, 0, spec.key_value_rank), w.key_value_norm);
  const auto key_value = apply_linear(pass, w.key_value, latent).view({N, H, n + v});
  const auto turned = down.narrow(1, spec.key_value_rank, r).unsqueeze(1).expand({N, H, r});
  const auto keys = torch::cat({key_value.narrow(2, 0, n), turned}, 2).reshape({N, -1});
  const auto qkv = torch::cat({queries, keys, key_value.narrow(2, n, v).reshape({N, -1})}, 1);
  const AttentionHeads heads{.heads = H,
                             .key_value_heads = H,
                             .key_width = spec.key_width(),
                             .value_width = v,
                             .causal = true,
                             .window = spec.window,
                             .scale = spec.scale,
                             .turned_from = n,
                             .interleaved = spec.rotary.pairs == arch::RotaryPairs::kNeighbours};
  const auto attended = pass.ops.attention(qkv, pass.layout, heads, rope_of(pass, spec.rotary), {});
  return apply_linear(pass, w.output, pass.wanted(attended));
}

}  // namespace

torch::Tensor apply_mixer(Pass& pass, std::int64_t layer, const torch::Tensor& x) {
  const auto& spec = pass.model.spec.blocks[static_cast<std::size_t>(layer)].mixer;
  const auto& weights = pass.model.blocks[static_cast<std::size_t>(layer)].mixer;
  if (const auto* latent = std::get_if<arch::LatentAttention>(&spec))
    return attend(pass, layer, *latent, std::get<LatentWeights>(weights), x);
  if (const auto* grouped = std::get_if<arch::GroupedAttention>(&spec))
    return attend(pass, layer, *grouped, std::get<GroupedWeights>(weights), x);
  throw InternalError("a mixer that nothing here computes");
}

}  // namespace espalier::train
