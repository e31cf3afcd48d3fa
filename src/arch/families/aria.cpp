#include "arch/decoder_parts.h"

namespace espalier::arch {

Family aria() {
  static constexpr TensorRow rows[] = {
      {Role::kRouter, Part::kWeight, "{M}layers.{L}.{F}router.weight"},
      {Role::kExpertGate, Part::kWeight, "{M}layers.{L}.{F}experts.fc1.weight", Storage::kTransposedFirst},
      {Role::kExpertUp, Part::kWeight, "{M}layers.{L}.{F}experts.fc1.weight", Storage::kTransposedSecond},
      {Role::kExpertDown, Part::kWeight, "{M}layers.{L}.{F}experts.fc2.weight", Storage::kTransposed},
  };
  static constexpr Variant variants[] = {
      {"aria", "Aria", "language_model.model.", "text_config"},
  };
  Family family = decoder_family("aria_text", "Aria, language model alone", [](ConfigFields& config) {
    return unread_spec(config, moe_parts(config, Routing::kSoftmaxOfChosen));
  });
  family.rows = rows;
  family.variants = variants;
  family.config.experts = "moe_num_experts";
  family.config.experts_per_token = "moe_topk";
  family.can.missing = "its routing beside shared experts";
  return family;
}

}  // namespace espalier::arch
