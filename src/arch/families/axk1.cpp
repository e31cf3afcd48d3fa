#include "arch/decoder_parts.h"

namespace espalier::arch {

Family axk1() {
  static constexpr TensorRow rows[] = {
      {Role::kFeedForwardOutputNorm, Part::kWeight, "{M}layers.{L}.post_mlp_layernorm.weight"},
  };
  static constexpr Variant variants[] = {
      {.model_type = "axk2", .title = "A.X-K2", .missing = "norms with gates"},
  };
  Family family = decoder_family("axk1", "A.X-K1", [](ConfigFields& config) {
    DecoderParts parts = moe_parts(config, Routing::kSigmoidWithBias);
    if (!config.family().can.missing.empty()) return unread_spec(config, parts);
    const bool neighbours = config.fields().boolean("rope_interleave", true);
    parts.mixer = latent_attention(config, neighbours ? RotaryPairs::kNeighbours : RotaryPairs::kHalves);
    ModelSpec spec = decoder_spec(config, parts);
    for (BlockSpec& block : spec.blocks) block.residual.feed_forward_output_norm = block.moe() != nullptr;
    return spec;
  });
  family.rows = rows;
  family.config.experts = "n_routed_experts";
  family.variants = variants;
  return family;
}

}  // namespace espalier::arch
