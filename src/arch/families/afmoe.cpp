#include "arch/decoder_parts.h"

namespace espalier::arch {

Family afmoe() {
  static constexpr TensorRow rows[] = {
      {Role::kRouter, Part::kWeight, "{M}layers.{L}.{F}router.gate.weight"},
      {Role::kRouter, Part::kCorrection, "{M}layers.{L}.{F}expert_bias"},
  };
  Family family = decoder_family("afmoe", "Trinity", [](ConfigFields& config) {
    return unread_spec(config, moe_parts(config, Routing::kSigmoidWithBias));
  });
  family.rows = rows;
  family.can.missing = "output gates, four norms a block, and layers without positions";
  family.formats = "bf16, fp8, int4";
  return family;
}

}  // namespace espalier::arch
