#include "arch/decoder_parts.h"

namespace espalier::arch {

Family mellum() {
  Family family = decoder_family("mellum", "Mellum", [](ConfigFields& config) {
    DecoderParts parts = moe_parts(config, Routing::kSoftmax);
    parts.moe.router.rule.normalise = config.fields().boolean("norm_topk_prob", false);
    return unread_spec(config, parts);
  });
  family.can.missing = "rotary settings of window layers";
  return family;
}

}  // namespace espalier::arch
