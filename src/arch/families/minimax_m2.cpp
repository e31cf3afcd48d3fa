#include "arch/decoder_parts.h"

namespace espalier::arch {

Family minimax_m2() {
  static constexpr TensorRow rows[] = {
      {Role::kRouter, Part::kCorrection, "{M}layers.{L}.{F}e_score_correction_bias"},
  };
  Family family = decoder_family("minimax_m2", "MiniMax-M2", [](ConfigFields& config) {
    return unread_spec(config, moe_parts(config, Routing::kSigmoidWithBias));
  });
  family.rows = rows;
  family.config.experts = "num_local_experts";
  family.style = kW123Rows;
  family.feed_forward = "block_sparse_moe.";
  family.can.missing = "rotary embeddings of a part of each head";
  family.formats = "fp8 blocks, nvfp4, awq";
  return family;
}

}  // namespace espalier::arch
