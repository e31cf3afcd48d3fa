#include "arch/decoder_parts.h"

namespace espalier::arch {

Family smallthinker() {
  static constexpr TensorRow rows[] = {
      {Role::kRouter, Part::kWeight, "{M}layers.{L}.{F}primary_router.weight"},
      {Role::kExpertGate, Part::kWeight, "{M}layers.{L}.{F}experts.{e}.gate.weight"},
      {Role::kExpertUp, Part::kWeight, "{M}layers.{L}.{F}experts.{e}.up.weight"},
      {Role::kExpertDown, Part::kWeight, "{M}layers.{L}.{F}experts.{e}.down.weight"},
  };
  Family family = decoder_family("smallthinker", "SmallThinker", [](ConfigFields& config) {
    const bool softmax = config.fields().boolean("moe_primary_router_apply_softmax", false);
    DecoderParts parts = moe_parts(config, softmax ? Routing::kSoftmaxOfChosen : Routing::kSigmoid);
    parts.moe.expert.activation = Activation::kRelu;
    return unread_spec(config, parts);
  });
  family.rows = rows;
  family.feed_forward = "block_sparse_moe.";
  family.config.experts = "moe_num_primary_experts";
  family.config.experts_per_token = "moe_num_active_primary_experts";
  family.can.missing = "a router that sees the block's input, and gates by ReLU";
  return family;
}

}  // namespace espalier::arch
