#include "arch/decoder_parts.h"

namespace espalier::arch {

Family beam() {
  Family family = decoder_family("beam", "Beam", [](ConfigFields& config) {
    return unread_spec(config, moe_parts(config, Routing::kSigmoidWithBias));
  });
  family.can.missing = "layers without positions, and soft caps";
  return family;
}

}  // namespace espalier::arch
