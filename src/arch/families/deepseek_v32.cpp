#include "arch/decoder_parts.h"

namespace espalier::arch {

Family deepseek_v32() {
  Family family = decoder_family("deepseek_v32", "DeepSeek-V3.2", [](ConfigFields& config) {
    return unread_spec(config, moe_parts(config, Routing::kSigmoidWithBias));
  });
  family.config.experts = "n_routed_experts";
  family.can.missing = "latent attention with an indexer";
  family.formats = "fp8 blocks";
  return family;
}

}  // namespace espalier::arch
