#include "arch/decoder_parts.h"

namespace espalier::arch {

Family glm_moe_dsa() {
  Family family = decoder_family("glm_moe_dsa", "GLM-5", [](ConfigFields& config) {
    DecoderParts parts = moe_parts(config, Routing::kSigmoidWithBias);
    LatentAttention latent = latent_attention(config, RotaryPairs::kNeighbours);
    latent.indexer = key_indexer(config, RotaryPairs::kNeighbours);
    parts.mixer = latent;
    ModelSpec spec = decoder_spec(config, parts);
    read_shared_indexers(config, spec);
    return spec;
  });
  family.config.experts = "n_routed_experts";
  family.formats = "bf16, fp8 blocks, nvfp4, mxfp4";
  return family;
}

}  // namespace espalier::arch
