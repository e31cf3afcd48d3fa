#include "arch/decoder_parts.h"

namespace espalier::arch {

Family inkling2() {
  static constexpr TensorRow rows[] = {
      {Role::kTokenEmbedding, Part::kWeight, "{M}embed.weight"},
      {Role::kExpertGate, Part::kWeight, "{M}layers.{L}.{F}experts.w13_weight", Storage::kStackedEvenRows},
      {Role::kExpertUp, Part::kWeight, "{M}layers.{L}.{F}experts.w13_weight", Storage::kStackedOddRows},
      {Role::kExpertDown, Part::kWeight, "{M}layers.{L}.{F}experts.w2_weight", Storage::kStacked},
      {Role::kRouter, Part::kCorrection, ""},
      {Role::kKeptWhole, Part::kWeight, "{M}layers.{L}.{F}gate.global_scale"},
      {Role::kGate, Part::kWeight, ""},
      {Role::kUp, Part::kWeight, ""},
      {Role::kDown, Part::kWeight, ""},
  };
  static constexpr Variant variants[] = {
      {"inkling2_loop", "Inkling 2 Loop"},
  };
  Family family = decoder_family("inkling2", "Inkling 2", [](ConfigFields& config) {
    return unread_spec(config, moe_parts(config, Routing::kSigmoidWithBias));
  });
  family.rows = rows;
  family.config.experts = "n_routed_experts";
  family.modules = "model.llm.";
  family.config.nested = "text_config";
  family.variants = variants;
  family.can.missing = "relative attention, and attention over layers";
  family.formats = "bf16, mxfp8, nvfp4";
  return family;
}

}  // namespace espalier::arch
