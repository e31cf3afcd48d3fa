#include "arch/decoder_parts.h"

namespace espalier::arch {

Family granitemoe() {
  static constexpr TensorRow rows[] = {
      {Role::kRouter, Part::kWeight, "{M}layers.{L}.{F}router.layer.weight"},
      {Role::kExpertGate, Part::kWeight, "{M}layers.{L}.{F}input_linear.weight", Storage::kStackedFirst},
      {Role::kExpertUp, Part::kWeight, "{M}layers.{L}.{F}input_linear.weight", Storage::kStackedSecond},
      {Role::kExpertDown, Part::kWeight, "{M}layers.{L}.{F}output_linear.weight", Storage::kStacked},
      {Role::kSharedGate, Part::kWeight, "{M}layers.{L}.shared_mlp.input_linear.weight", Storage::kFirst},
      {Role::kSharedUp, Part::kWeight, "{M}layers.{L}.shared_mlp.input_linear.weight", Storage::kSecond},
      {Role::kSharedDown, Part::kWeight, "{M}layers.{L}.shared_mlp.output_linear.weight"},
  };
  static constexpr Variant variants[] = {
      {"granitemoeshared", "Granite-MoE with a shared expert"},
      {"granitemoehybrid", "Granite 4"},
  };
  Family family = decoder_family("granitemoe", "Granite-MoE", [](ConfigFields& config) {
    return unread_spec(config, moe_parts(config, Routing::kSoftmaxOfChosen));
  });
  family.rows = rows;
  family.config.experts = "num_local_experts";
  family.feed_forward = "block_sparse_moe.";
  family.variants = variants;
  family.can.missing = "multipliers of embeddings, attention, residuals and logits";
  family.formats = "bf16, fp8";
  return family;
}

}  // namespace espalier::arch
