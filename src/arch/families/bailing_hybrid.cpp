#include "arch/decoder_parts.h"

namespace espalier::arch {

Family bailing_hybrid() {
  static constexpr TensorRow rows[] = {
      {Role::kTokenEmbedding, Part::kWeight, "{M}word_embeddings.weight"},
      {Role::kRouter, Part::kCorrection, "{M}layers.{L}.{F}gate.expert_bias"},
  };
  Family family = decoder_family("bailing_hybrid", "Ling V3", [](ConfigFields& config) {
    return unread_spec(config, moe_parts(config, Routing::kSigmoidWithBias));
  });
  family.rows = rows;
  family.config.experts_per_token = "num_experts_per_token";
  family.config.groups = "num_expert_group";
  family.can.missing = "Kimi Delta Attention";
  family.formats = "bf16, fp8";
  return family;
}

}  // namespace espalier::arch
