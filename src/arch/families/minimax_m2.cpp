#include "arch/decoder_parts.h"

namespace espalier::arch {

Family minimax_m2() {
  static constexpr TensorRow rows[] = {
      {Role::kRouter, Part::kCorrection, "{M}layers.{L}.{F}e_score_correction_bias"},
  };
  Family family = decoder_family("minimax_m2", "MiniMax-M2", [](ConfigFields& config) {
    DecoderParts parts = moe_parts(config, Routing::kSigmoidWithBias);
    GroupedAttention attention = grouped_attention(config, 5e6);
    attention.rotary->width =
        config.fields().integer("rotary_dim", {2, attention.key_width}, attention.key_width);
    if (config.fields().boolean("use_qk_norm", true)) attention.query_key_norm = QueryKeyNorm::kAllHeads;
    parts.mixer = attention;
    return decoder_spec(config, parts);
  });
  family.rows = rows;
  family.config.experts = "num_local_experts";
  family.style = kW123Rows;
  family.feed_forward = "block_sparse_moe.";
  family.formats = "fp8 blocks, nvfp4, awq";
  return family;
}

}  // namespace espalier::arch
