#include "arch/decoder_parts.h"

namespace espalier::arch {

Family granitemoe_swa() {
  static constexpr TensorRow rows[] = {
      {Role::kRouter, Part::kWeight, "{M}layers.{L}.{F}router.weight"},
      {Role::kSharedGate, Part::kWeight, "{M}layers.{L}.shared_mlp.input_linear.weight", Storage::kFirst},
      {Role::kSharedUp, Part::kWeight, "{M}layers.{L}.shared_mlp.input_linear.weight", Storage::kSecond},
      {Role::kSharedDown, Part::kWeight, "{M}layers.{L}.shared_mlp.output_linear.weight"},
  };
  Family family = decoder_family("granitemoe_swa", "Granite-MoE with windows", [](ConfigFields& config) {
    return unread_spec(config, moe_parts(config, Routing::kSoftmaxOfChosen));
  });
  family.rows = rows;
  family.config.experts = "num_local_experts";
  family.feed_forward = "block_sparse_moe.";
  family.can.missing = "multipliers, and attention sinks";
  return family;
}

}  // namespace espalier::arch
