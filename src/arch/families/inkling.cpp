#include "arch/decoder_parts.h"

namespace espalier::arch {

/// Shared experts have rows of the router, after the others'.
Family inkling() {
  static constexpr TensorRow rows[] = {
      {Role::kTokenEmbedding, Part::kWeight, "{M}embed.weight"},
      {Role::kExpertGate, Part::kWeight, "{M}layers.{L}.{F}experts.w13_weight", Storage::kStackedEvenRows},
      {Role::kExpertUp, Part::kWeight, "{M}layers.{L}.{F}experts.w13_weight", Storage::kStackedOddRows},
      {Role::kExpertDown, Part::kWeight, "{M}layers.{L}.{F}experts.w2_weight", Storage::kStacked},
      {Role::kRouter, Part::kCorrection, ""},
      {Role::kKeptWhole, Part::kWeight, "{M}layers.{L}.{F}gate.global_scale"},
      {Role::kSharedGate, Part::kWeight, ""},
      {Role::kSharedUp, Part::kWeight, ""},
      {Role::kSharedDown, Part::kWeight, ""},
      {Role::kGate, Part::kWeight, ""},
      {Role::kUp, Part::kWeight, ""},
      {Role::kDown, Part::kWeight, ""},
  };
  Family family = decoder_family("inkling_mm_model", "Inkling", [](ConfigFields& config) {
    DecoderParts parts = moe_parts(config, Routing::kSigmoidWithBias);
    parts.moe.router.extra_rows = parts.moe.shared ? parts.moe.shared->count : 0;
    return unread_spec(config, parts);
  });
  family.rows = rows;
  family.config.experts = "n_routed_experts";
  family.modules = "model.llm.";
  family.config.nested = "text_config";
  family.config.next_token_layers = "num_mtp_layers";
  family.can.missing = "relative attention and short convolutions";
  family.formats = "bf16, nvfp4";
  return family;
}

}  // namespace espalier::arch
