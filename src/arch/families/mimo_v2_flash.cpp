#include "arch/decoder_parts.h"

namespace espalier::arch {

Family mimo_v2_flash() {
  static constexpr Variant variants[] = {
      {"mimo_v2", "MiMo-V2.5"},
  };
  Family family = decoder_family("mimo_v2_flash", "MiMo-V2", [](ConfigFields& config) {
    return unread_spec(config, moe_parts(config, Routing::kSigmoidWithBias));
  });
  family.config.experts = "n_routed_experts";
  family.variants = variants;
  family.next_token = {"model.mtp.", "model.mtp.layers."};
  family.can.missing = "attention sinks on window layers, and values narrower than keys";
  family.formats = "fp8 blocks";
  return family;
}

}  // namespace espalier::arch
