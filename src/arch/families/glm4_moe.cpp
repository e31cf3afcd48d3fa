#include "arch/decoder_parts.h"

namespace espalier::arch {

Family glm4_moe() {
  static constexpr Variant variants[] = {
      {"glm4v_moe", "GLM-4.5V", "model.language_model.", "text_config"},
      {"glm4v_moe_text", "GLM-4.5V, language model alone"},
  };
  Family family = decoder_family("glm4_moe", "GLM-4.5", [](ConfigFields& config) {
    DecoderParts parts = moe_parts(config, Routing::kSigmoidWithBias);
    GroupedAttention attention = grouped_attention(config, 1e4);
    attention.query_key_value_bias = config.fields().boolean("attention_bias", false);
    if (config.fields().boolean("use_qk_norm", false)) attention.query_key_norm = QueryKeyNorm::kPerHead;
    parts.mixer = attention;
    parts.turned_part = 0.5;
    return decoder_spec(config, parts);
  });
  family.config.experts = "n_routed_experts";
  family.variants = variants;
  family.formats = "bf16, fp8 channels";
  return family;
}

}  // namespace espalier::arch
