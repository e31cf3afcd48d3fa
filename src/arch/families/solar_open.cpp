#include "arch/decoder_parts.h"

namespace espalier::arch {

Family solar_open() {
  Family family = decoder_family("solar_open", "Solar Open", [](ConfigFields& config) {
    return unread_spec(config, moe_parts(config, Routing::kSigmoidWithBias));
  });
  family.config.experts = "n_routed_experts";
  family.can.missing = "its routing in a grouped-query decoder";
  return family;
}

}  // namespace espalier::arch
