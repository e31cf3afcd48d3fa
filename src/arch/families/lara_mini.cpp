#include "arch/decoder_parts.h"

namespace espalier::arch {

Family lara_mini() {
  Family family = decoder_family("lara_mini", "Lara-4-Mini", [](ConfigFields& config) {
    return unread_spec(config, moe_parts(config, Routing::kSoftmax));
  });
  family.can.missing = "Gated DeltaNet";
  return family;
}

}  // namespace espalier::arch
