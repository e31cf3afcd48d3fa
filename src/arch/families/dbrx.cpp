#include "arch/decoder_parts.h"

namespace espalier::arch {

Family dbrx() {
  static constexpr TensorRow rows[] = {
      {Role::kTokenEmbedding, Part::kWeight, "transformer.wte.weight"},
      {Role::kMixerNorm, Part::kWeight, "transformer.blocks.{L}.norm_attn_norm.norm_1.weight"},
      {Role::kQuery, Part::kWeight, "transformer.blocks.{L}.norm_attn_norm.attn.Wqkv.weight",
       Storage::kFused},
      {Role::kKey, Part::kWeight, "transformer.blocks.{L}.norm_attn_norm.attn.Wqkv.weight", Storage::kFused},
      {Role::kValue, Part::kWeight, "transformer.blocks.{L}.norm_attn_norm.attn.Wqkv.weight",
       Storage::kFused},
      {Role::kMixerOutput, Part::kWeight, "transformer.blocks.{L}.norm_attn_norm.attn.out_proj.weight"},
      {Role::kFeedForwardNorm, Part::kWeight, "transformer.blocks.{L}.norm_attn_norm.norm_2.weight"},
      {Role::kFinalNorm, Part::kWeight, "transformer.norm_f.weight"},
      {Role::kHead, Part::kWeight, "lm_head.weight"},
      {Role::kRouter, Part::kWeight, "transformer.blocks.{L}.ffn.router.layer.weight"},
      {Role::kExpertGate, Part::kWeight, "transformer.blocks.{L}.ffn.experts.mlp.w1", Storage::kFlat},
      {Role::kExpertUp, Part::kWeight, "transformer.blocks.{L}.ffn.experts.mlp.v1", Storage::kFlat},
      {Role::kExpertDown, Part::kWeight, "transformer.blocks.{L}.ffn.experts.mlp.w2",
       Storage::kFlatTransposed},
  };
  Family family = decoder_family("dbrx", "DBRX", [](ConfigFields& config) {
    DecoderParts parts;
    parts.moe.expert.width = config.fields().object("ffn_config").integer("ffn_hidden_size", {1, kWidest});
    const auto* normalise = config.fields().object("ffn_config").find_value("moe_normalize_expert_weights");
    parts.moe.router.rule.normalise = normalise != nullptr;  // by the sum of their absolute values: 1.0
    JsonObject own = config.fields().object("attn_config");
    GroupedAttention attention = grouped_attention(config, own.number("rope_theta", {1.0, 1e12}, 1e4));
    attention.key_value_heads = own.integer("kv_n_heads", {1, attention.heads}, 1);
    if (own.has("clip_qkv")) attention.clip = own.number("clip_qkv", {1e-6, 1e6});
    parts.mixer = attention;
    ModelSpec spec = decoder_spec(config, parts);
    const Norm norm{NormKind::kLayer, 1e-5, false, false};
    for (BlockSpec& block : spec.blocks) block.norm = norm;
    spec.final_norm = norm;
    return spec;
  });
  family.rows = rows;
  family.usual = {};
  family.config.experts = "moe_num_experts";
  family.config.experts_per_token = "moe_top_k";
  family.config.experts_in = "ffn_config";
  family.config.layers = "n_layers";
  family.config.width = "d_model";
  family.config.heads = "n_heads";
  return family;
}

}  // namespace espalier::arch
