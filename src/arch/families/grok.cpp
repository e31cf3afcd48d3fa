#include "arch/decoder_parts.h"

namespace espalier::arch {

/// Grok-1 and 2 in the names of libraries (the first was published in others).
Family grok() {
  Family family = decoder_family("grok-1", "Grok", [](ConfigFields& config) {
    DecoderParts parts = moe_parts(config, Routing::kSoftmax);
    parts.moe.router.rule.normalise = false;
    parts.moe.expert.activation = Activation::kGelu;
    return unread_spec(config, parts);
  });
  family.style = kW123Rows;
  family.feed_forward = "block_sparse_moe.";
  family.config.experts = "num_local_experts";
  family.can.missing = "soft caps of attention and router, and four norms a block";
  return family;
}

}  // namespace espalier::arch
