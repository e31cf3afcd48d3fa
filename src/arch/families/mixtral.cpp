#include "arch/decoder_parts.h"

namespace espalier::arch {

Family mixtral() {
  Family family = decoder_family("mixtral", "Mixtral", [](ConfigFields& config) {
    DecoderParts parts;
    parts.epsilon = rms_epsilon(config, 1e-5);
    parts.mixer = grouped_attention(config, 1e6);
    parts.windows = windows(config, FirstSlidingLayer::kZero);
    parts.moe.expert.width = config.width("intermediate_size");
    return decoder_spec(config, parts);
  });
  family.config.experts = "num_local_experts";
  family.style = kW123Rows;
  family.feed_forward = "block_sparse_moe.";
  family.can.one_expert_exports_as = "mistral";
  return family;
}

}  // namespace espalier::arch
