#include "arch/decoder_parts.h"

namespace espalier::arch {

Family sarvam_moe() {
  static constexpr TensorRow rows[] = {
      {Role::kTokenEmbedding, Part::kWeight, "{M}word_embeddings.weight"},
      {Role::kQuery, Part::kWeight, "{M}layers.{L}.attention.query_key_value.weight", Storage::kFused},
      {Role::kKey, Part::kWeight, "{M}layers.{L}.attention.query_key_value.weight", Storage::kFused},
      {Role::kValue, Part::kWeight, "{M}layers.{L}.attention.query_key_value.weight", Storage::kFused},
      {Role::kQueryNorm, Part::kWeight, "{M}layers.{L}.attention.query_layernorm.weight"},
      {Role::kKeyNorm, Part::kWeight, "{M}layers.{L}.attention.key_layernorm.weight"},
      {Role::kMixerOutput, Part::kWeight, "{M}layers.{L}.attention.dense.weight"},
      {Role::kRouter, Part::kCorrection, "{M}layers.{L}.{F}gate.expert_bias"},
  };
  static constexpr Variant variants[] = {
      {.model_type = "sarvam_mla",
       .title = "Sarvam 105B",
       .missing = "its latent attention: no checkpoint to hold it to"},
  };
  Family family = decoder_family("sarvam_moe", "Sarvam", [](ConfigFields& config) {
    DecoderParts parts = moe_parts(config, Routing::kSigmoidWithBias);
    if (!config.family().can.missing.empty()) return unread_spec(config, parts);
    GroupedAttention attention = grouped_attention(config, 8e6);
    if (config.fields().boolean("use_qk_norm", true)) attention.query_key_norm = QueryKeyNorm::kPerHead;
    parts.mixer = attention;
    parts.turned_part = 1.0;
    return decoder_spec(config, parts);
  });
  family.rows = rows;
  family.config.experts = "n_routed_experts";
  family.variants = variants;
  return family;
}

}  // namespace espalier::arch
