#include "arch/decoder_parts.h"

namespace espalier::arch {

Family axk1() {
  static constexpr Variant variants[] = {
      {"axk2", "A.X-K2"},
  };
  Family family = decoder_family("axk1", "A.X-K1", [](ConfigFields& config) {
    return unread_spec(config, moe_parts(config, Routing::kSigmoidWithBias));
  });
  family.config.experts = "n_routed_experts";
  family.variants = variants;
  family.can.missing = "a norm after the network";
  return family;
}

}  // namespace espalier::arch
