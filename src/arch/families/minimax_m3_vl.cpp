#include "arch/decoder_parts.h"

namespace espalier::arch {

Family minimax_m3_vl() {
  static constexpr TensorRow rows[] = {
      {Role::kRouter, Part::kCorrection, "{M}layers.{L}.{F}e_score_correction_bias"},
      {Role::kGate, Part::kWeight, "{M}layers.{L}.mlp.gate_proj.weight"},
      {Role::kUp, Part::kWeight, "{M}layers.{L}.mlp.up_proj.weight"},
      {Role::kDown, Part::kWeight, "{M}layers.{L}.mlp.down_proj.weight"},
  };
  static constexpr Variant variants[] = {
      {"minimax_m3_vl", "MiniMax-M3", "language_model.model.", "text_config"},
  };
  Family family = decoder_family(
      "minimax_m3_vl_text", "MiniMax-M3, language model alone",
      [](ConfigFields& config) { return unread_spec(config, moe_parts(config, Routing::kSigmoidWithBias)); });
  family.rows = rows;
  family.config.experts = "num_local_experts";
  family.style = kW123Rows;
  family.feed_forward = "block_sparse_moe.";
  family.variants = variants;
  family.can.missing = "block-sparse attention and clamped SwiGLU";
  family.formats = "mxfp8, nvfp4, bf16";
  return family;
}

}  // namespace espalier::arch
