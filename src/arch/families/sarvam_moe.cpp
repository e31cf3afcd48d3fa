#include "arch/decoder_parts.h"

namespace espalier::arch {

Family sarvam_moe() {
  static constexpr TensorRow rows[] = {
      {Role::kTokenEmbedding, Part::kWeight, "{M}word_embeddings.weight"},
      {Role::kRouter, Part::kCorrection, "{M}layers.{L}.{F}gate.expert_bias"},
  };
  static constexpr Variant variants[] = {
      {"sarvam_mla", "Sarvam 105B"},
  };
  Family family = decoder_family("sarvam_moe", "Sarvam", [](ConfigFields& config) {
    return unread_spec(config, moe_parts(config, Routing::kSigmoidWithBias));
  });
  family.rows = rows;
  family.config.experts = "n_routed_experts";
  family.variants = variants;
  family.can.missing = "fused queries, keys and values";
  return family;
}

}  // namespace espalier::arch
