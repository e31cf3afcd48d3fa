#include "arch/decoder_parts.h"

namespace espalier::arch {

Family gemma4() {
  static constexpr TensorRow rows[] = {
      {Role::kRouter, Part::kWeight, "{M}layers.{L}.router.proj.weight"},
      {Role::kRouterEntry, Part::kWeight, "{M}layers.{L}.router.per_expert_scale"},
      {Role::kKeptWhole, Part::kWeight, "{M}layers.{L}.router.scale"},
  };
  static constexpr Variant variants[] = {
      {"gemma4", "Gemma 4", "model.language_model.", "text_config"},
  };
  Family family = decoder_family("gemma4_text", "Gemma 4, language model alone", [](ConfigFields& config) {
    DecoderParts parts = moe_parts(config, Routing::kSoftmax);
    parts.moe.router.rule.normalise = true;
    return unread_spec(config, parts);
  });
  family.rows = rows;
  family.config.experts_per_token = "top_k_experts";
  family.feed_forward = "";
  family.variants = variants;
  family.can.missing = "a dense network beside the experts, soft caps, and shared keys and values";
  family.formats = "bf16, nvfp4, int4";
  return family;
}

}  // namespace espalier::arch
