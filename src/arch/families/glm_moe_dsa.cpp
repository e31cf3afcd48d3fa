#include "arch/decoder_parts.h"

namespace espalier::arch {

Family glm_moe_dsa() {
  Family family = decoder_family("glm_moe_dsa", "GLM-5", [](ConfigFields& config) {
    return unread_spec(config, moe_parts(config, Routing::kSigmoidWithBias));
  });
  family.config.experts = "n_routed_experts";
  family.can.missing = "latent attention with an indexer";
  family.formats = "bf16, fp8 blocks, nvfp4, mxfp4";
  return family;
}

}  // namespace espalier::arch
