#include "arch/decoder_parts.h"

namespace espalier::arch {

Family jetmoe() {
  static constexpr TensorRow rows[] = {
      {Role::kRouter, Part::kWeight, "{M}layers.{L}.{F}router.layer.weight"},
      {Role::kExpertGate, Part::kWeight, "{M}layers.{L}.{F}input_linear.weight", Storage::kStackedFirst},
      {Role::kExpertUp, Part::kWeight, "{M}layers.{L}.{F}input_linear.weight", Storage::kStackedSecond},
      {Role::kExpertDown, Part::kWeight, "{M}layers.{L}.{F}output_linear.weight", Storage::kStacked},
      {Role::kOtherExperts, Part::kWeight, "{M}layers.{L}.self_attention.experts.input_linear.weight"},
      {Role::kOtherExperts, Part::kWeight, "{M}layers.{L}.self_attention.experts.output_linear.weight"},
      {Role::kKeptWhole, Part::kWeight, "{M}layers.{L}.{F}bias"},
  };
  Family family = decoder_family("jetmoe", "JetMoE", [](ConfigFields& config) {
    return unread_spec(config, moe_parts(config, Routing::kSoftmaxOfChosen));
  });
  family.rows = rows;
  family.config.experts = "num_local_experts";
  family.can.keeps_all_experts = "attention has experts of its own, and config.json one count for both kinds";
  family.can.missing = "attention with experts";
  return family;
}

}  // namespace espalier::arch
