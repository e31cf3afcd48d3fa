#include "arch/decoder_parts.h"

namespace espalier::arch {
namespace {

ModelSpec read(ConfigFields& config) {
  DecoderParts parts = deepseek_parts(config, DeepSeekRouter::kSigmoid);
  const bool neighbours = config.fields().boolean("rope_interleave", true);
  parts.mixer = latent_attention(config, neighbours ? RotaryPairs::kNeighbours : RotaryPairs::kHalves);
  return decoder_spec(config, parts);
}

}  // namespace

Family deepseek_v3() {
  Family family = decoder_family("deepseek_v3", "DeepSeek-V3", read);
  family.config.experts = "n_routed_experts";
  return family;
}

}  // namespace espalier::arch
