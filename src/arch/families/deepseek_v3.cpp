#include "arch/decoder_parts.h"

namespace espalier::arch {

Family deepseek_v3() {
  static constexpr NameAlias aliases[] = {{"lm_head.", "language_model.lm_head."}};
  static constexpr Variant variants[] = {
      {"kimi_k2", "Kimi-K2"},
      {"kimi_k25", "Kimi-K2.5", "language_model.model.", "text_config"},
  };
  Family family = decoder_family("deepseek_v3", "DeepSeek-V3", [](ConfigFields& config) {
    DecoderParts parts = deepseek_parts(config, DeepSeekRouter::kSigmoid);
    const bool neighbours = config.fields().boolean("rope_interleave", true);
    parts.mixer = latent_attention(config, neighbours ? RotaryPairs::kNeighbours : RotaryPairs::kHalves);
    return decoder_spec(config, parts);
  });
  family.config.experts = "n_routed_experts";
  family.aliases = aliases;
  family.variants = variants;
  family.formats = "fp8 blocks, int4, bf16";
  return family;
}

}  // namespace espalier::arch
