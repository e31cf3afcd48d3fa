#include "arch/decoder_parts.h"

namespace espalier::arch {

Family flex_olmo() {
  Family family = decoder_family("flex_olmo", "FlexOlmo", [](ConfigFields& config) {
    DecoderParts parts = moe_parts(config, Routing::kSoftmax);
    parts.moe.router.rule.normalise = config.fields().boolean("norm_topk_prob", false);
    return unread_spec(config, parts);
  });
  family.can.missing = "norms after the blocks";
  return family;
}

}  // namespace espalier::arch
