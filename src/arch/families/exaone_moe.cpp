#include "arch/decoder_parts.h"

namespace espalier::arch {

Family exaone_moe() {
  static constexpr TensorRow rows[] = {
      {Role::kRouter, Part::kCorrection, "{M}layers.{L}.{F}e_score_correction_bias"},
  };
  Family family = decoder_family("exaone_moe", "K-EXAONE", [](ConfigFields& config) {
    return unread_spec(config, moe_parts(config, Routing::kSigmoidWithBias));
  });
  family.rows = rows;
  family.next_token = {"mtp.", "mtp.layers."};
  family.can.missing = "layers without positions";
  family.formats = "bf16, fp8";
  return family;
}

}  // namespace espalier::arch
