#include "arch/decoder_parts.h"

namespace espalier::arch {

Family flex_olmo() {
  static constexpr TensorRow rows[] = {
      {Role::kMixerOutputNorm, Part::kWeight, "{M}layers.{L}.post_attention_layernorm.weight"},
      {Role::kFeedForwardOutputNorm, Part::kWeight, "{M}layers.{L}.post_feedforward_layernorm.weight"},
  };
  Family family = decoder_family("flex_olmo", "FlexOlmo", [](ConfigFields& config) {
    DecoderParts parts = moe_parts(config, Routing::kSoftmax);
    parts.moe.router.rule.normalise = config.fields().boolean("norm_topk_prob", false);
    GroupedAttention attention = grouped_attention(config, 5e5);
    read_attention_bias(config, attention);
    attention.query_key_norm = QueryKeyNorm::kAllHeads;
    parts.mixer = attention;
    ModelSpec spec = decoder_spec(config, parts);
    for (BlockSpec& block : spec.blocks) {
      block.residual.input_norms = false;
      block.residual.mixer_output_norm = block.residual.feed_forward_output_norm = true;
    }
    return spec;
  });
  family.rows = rows;
  return family;
}

}  // namespace espalier::arch
