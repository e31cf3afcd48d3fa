#include "arch/decoder_parts.h"

namespace espalier::arch {

Family dbrx() {
  static constexpr TensorRow rows[] = {
      {Role::kTokenEmbedding, Part::kWeight, "transformer.wte.weight"},
      {Role::kRouter, Part::kWeight, "transformer.blocks.{L}.ffn.router.layer.weight"},
      {Role::kExpertGate, Part::kWeight, "transformer.blocks.{L}.ffn.experts.mlp.w1", Storage::kFlat},
      {Role::kExpertUp, Part::kWeight, "transformer.blocks.{L}.ffn.experts.mlp.v1", Storage::kFlat},
      {Role::kExpertDown, Part::kWeight, "transformer.blocks.{L}.ffn.experts.mlp.w2",
       Storage::kFlatTransposed},
  };
  Family family = decoder_family("dbrx", "DBRX", [](ConfigFields& config) {
    DecoderParts parts;
    parts.moe.expert.width = config.fields().object("ffn_config").integer("ffn_hidden_size", {1, kWidest});
    return unread_spec(config, parts);
  });
  family.rows = rows;
  family.usual = {};
  family.config.experts = "moe_num_experts";
  family.config.experts_per_token = "moe_top_k";
  family.config.experts_in = "ffn_config";
  family.config.layers = "n_layers";
  family.config.width = "d_model";
  family.config.heads = "n_heads";
  family.can.missing = "fused and clamped queries, keys and values, and layer norms in a decoder";
  return family;
}

}  // namespace espalier::arch
