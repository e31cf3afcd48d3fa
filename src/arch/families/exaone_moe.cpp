#include "arch/decoder_parts.h"

namespace espalier::arch {

Family exaone_moe() {
  static constexpr TensorRow rows[] = {
      {Role::kRouter, Part::kCorrection, "{M}layers.{L}.{F}e_score_correction_bias"},
  };
  Family family = decoder_family("exaone_moe", "K-EXAONE", [](ConfigFields& config) {
    DecoderParts parts = moe_parts(config, Routing::kSigmoidWithBias);
    GroupedAttention attention = grouped_attention(config, 1e4);
    attention.query_key_norm = QueryKeyNorm::kPerHead;
    parts.mixer = attention;
    parts.windows = windows_by_type(config);
    ModelSpec spec = decoder_spec(config, parts);
    turn_windows_only(spec);
    return spec;
  });
  family.rows = rows;
  family.next_token = {"mtp.", "mtp.layers."};
  family.formats = "bf16, fp8";
  return family;
}

}  // namespace espalier::arch
