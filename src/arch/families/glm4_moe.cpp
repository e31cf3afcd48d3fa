#include "arch/decoder_parts.h"

namespace espalier::arch {
namespace {

ModelSpec read(ConfigFields& config) {
  return unread_spec(config, "moe_intermediate_size", deepseek_parts(config, DeepSeekRouter::kSigmoid));
}

}  // namespace

Family glm4_moe() {
  Family family = decoder_family("glm4_moe", "GLM-4.5", read);
  family.config.experts = "n_routed_experts";
  family.can.missing = "rotary embeddings of a part of each head";
  return family;
}

}  // namespace espalier::arch
