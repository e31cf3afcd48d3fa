#include "arch/decoder_parts.h"

namespace espalier::arch {

Family deepseek_v32() {
  Family family = decoder_family("deepseek_v32", "DeepSeek-V3.2", [](ConfigFields& config) {
    DecoderParts parts = moe_parts(config, Routing::kSigmoidWithBias);
    LatentAttention latent = latent_attention(config, RotaryPairs::kNeighbours);
    latent.indexer = key_indexer(config, RotaryPairs::kHalves);
    parts.mixer = latent;
    ModelSpec spec = decoder_spec(config, parts);
    read_shared_indexers(config, spec);
    return spec;
  });
  family.config.experts = "n_routed_experts";
  family.formats = "fp8 blocks";
  return family;
}

}  // namespace espalier::arch
