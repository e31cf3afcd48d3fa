#include "arch/decoder_parts.h"

namespace espalier::arch {

Family kolibri1() {
  static constexpr TensorRow rows[] = {
      {Role::kRouter, Part::kCorrection, "{M}layers.{L}.moe.router.expert_bias"},
      {Role::kMixerOutputNorm, Part::kWeight, "{M}layers.{L}.post_attn_norm.weight"},
      {Role::kFeedForwardOutputNorm, Part::kWeight, "{M}layers.{L}.post_ffn_norm.weight"},
  };
  Family family = decoder_family("kolibri1", "Kolibri-1", [](ConfigFields& config) {
    DecoderParts parts = moe_parts(config, Routing::kSigmoidWithBias);
    parts.moe.router.rule.normalise = config.fields().boolean("norm_topk_prob", false);
    parts.moe.router.rule.bias_on_logits = true;
    GroupedAttention attention = grouped_attention(config, 1e4);
    attention.query_key_norm = QueryKeyNorm::kPerHead;
    parts.mixer = attention;
    parts.windows = windows_by_type(config);
    ModelSpec spec = decoder_spec(config, parts);
    turn_windows_only(spec);
    for (BlockSpec& block : spec.blocks)
      block.residual.mixer_output_norm = block.residual.feed_forward_output_norm = true;
    return spec;
  });
  family.rows = rows;
  family.config.experts = "num_local_experts";
  return family;
}

}  // namespace espalier::arch
