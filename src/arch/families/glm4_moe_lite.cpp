#include "arch/decoder_parts.h"

namespace espalier::arch {

Family glm4_moe_lite() {
  Family family = decoder_family("glm4_moe_lite", "GLM-4.7-Flash", [](ConfigFields& config) {
    DecoderParts parts = deepseek_parts(config, DeepSeekRouter::kSigmoid);
    if (config.fields().has("mlp_layer_types")) parts.sparse = sparse_by_type(config);
    const bool neighbours = config.fields().boolean("rope_interleave", true);
    parts.mixer = latent_attention(config, neighbours ? RotaryPairs::kNeighbours : RotaryPairs::kHalves);
    return decoder_spec(config, parts);
  });
  family.config.experts = "n_routed_experts";
  return family;
}

}  // namespace espalier::arch
