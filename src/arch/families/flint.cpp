#include "arch/decoder_parts.h"

namespace espalier::arch {

Family flint() {
  Family family = decoder_family("flint", "Flint", [](ConfigFields& config) {
    return unread_spec(config, moe_parts(config, Routing::kSigmoid));
  });
  family.can.missing = "sigmoid routing without a bias, and attention sinks";
  return family;
}

}  // namespace espalier::arch
