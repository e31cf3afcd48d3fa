#include "arch/decoder_parts.h"

namespace espalier::arch {

Family glm4_moe() {
  static constexpr Variant variants[] = {
      {"glm4v_moe", "GLM-4.5V", "model.language_model.", "text_config"},
      {"glm4v_moe_text", "GLM-4.5V, language model alone"},
  };
  Family family = decoder_family("glm4_moe", "GLM-4.5", [](ConfigFields& config) {
    return unread_spec(config, moe_parts(config, Routing::kSigmoidWithBias));
  });
  family.config.experts = "n_routed_experts";
  family.variants = variants;
  family.can.missing = "rotary embeddings of a part of each head";
  family.formats = "bf16, fp8 channels";
  return family;
}

}  // namespace espalier::arch
