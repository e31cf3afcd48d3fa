#include "arch/decoder_parts.h"

namespace espalier::arch {

Family laguna() {
  static constexpr TensorRow rows[] = {
      {Role::kRouter, Part::kCorrection, "{M}layers.{L}.{F}experts.e_score_correction_bias"},
  };
  Family family = decoder_family("laguna", "Laguna", [](ConfigFields& config) {
    return unread_spec(config, moe_parts(config, Routing::kSigmoidWithBias));
  });
  family.rows = rows;
  family.can.missing = "gates of heads, and layers with different counts of heads";
  family.formats = "bf16, fp8, nvfp4";
  return family;
}

}  // namespace espalier::arch
