#include "arch/decoder_parts.h"

namespace espalier::arch {

Family glm5_next() {
  static constexpr Variant variants[] = {
      {"glm5_next", "GLM-5-Next", "model.language_model.", "text_config"},
  };
  Family family = decoder_family(
      "glm5_next_text", "GLM-5-Next, language model alone",
      [](ConfigFields& config) { return unread_spec(config, moe_parts(config, Routing::kSigmoidWithBias)); });
  family.config.experts = "n_routed_experts";
  family.variants = variants;
  family.can.missing = "Kimi Delta Attention and hyper-connections";
  family.formats = "bf16, fp8 blocks";
  return family;
}

}  // namespace espalier::arch
