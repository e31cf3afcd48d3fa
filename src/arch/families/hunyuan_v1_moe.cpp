#include "arch/decoder_parts.h"

namespace espalier::arch {

Family hunyuan_v1_moe() {
  static constexpr TensorRow rows[] = {
      {Role::kRouter, Part::kWeight, "{M}layers.{L}.{F}gate.wg.weight"},
      {Role::kSharedGate, Part::kWeight, "{M}layers.{L}.{F}shared_mlp.gate_proj.weight"},
      {Role::kSharedUp, Part::kWeight, "{M}layers.{L}.{F}shared_mlp.up_proj.weight"},
      {Role::kSharedDown, Part::kWeight, "{M}layers.{L}.{F}shared_mlp.down_proj.weight"},
      {Role::kQueryNorm, Part::kWeight, "{M}layers.{L}.self_attn.query_layernorm.weight"},
      {Role::kKeyNorm, Part::kWeight, "{M}layers.{L}.self_attn.key_layernorm.weight"},
  };
  Family family = decoder_family("hunyuan_v1_moe", "Hunyuan A13B", [](ConfigFields& config) {
    DecoderParts parts = moe_parts(config, Routing::kSoftmax);
    if (!parts.moe.shared) parts.moe.shared = SharedExpert{{parts.moe.expert.width}};
    parts.moe.router.rule.normalise = true;
    GroupedAttention attention = grouped_attention(config, 1e4);
    read_attention_bias(config, attention);
    attention.query_key_norm = QueryKeyNorm::kPerHead;
    attention.norm_after_rotation = true;
    parts.mixer = attention;
    return decoder_spec(config, parts);
  });
  family.rows = rows;
  family.config.experts_per_token = "moe_topk";
  return family;
}

}  // namespace espalier::arch
