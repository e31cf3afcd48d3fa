#include "arch/decoder_parts.h"

namespace espalier::arch {

Family hunyuan_v1_moe() {
  static constexpr TensorRow rows[] = {
      {Role::kRouter, Part::kWeight, "{M}layers.{L}.{F}gate.wg.weight"},
      {Role::kSharedGate, Part::kWeight, "{M}layers.{L}.{F}shared_mlp.gate_proj.weight"},
      {Role::kSharedUp, Part::kWeight, "{M}layers.{L}.{F}shared_mlp.up_proj.weight"},
      {Role::kSharedDown, Part::kWeight, "{M}layers.{L}.{F}shared_mlp.down_proj.weight"},
  };
  Family family = decoder_family("hunyuan_v1_moe", "Hunyuan A13B", [](ConfigFields& config) {
    DecoderParts parts = moe_parts(config, Routing::kSoftmax);
    if (!parts.moe.shared) parts.moe.shared = SharedExpert{{parts.moe.expert.width}};
    return unread_spec(config, parts);
  });
  family.rows = rows;
  family.config.experts_per_token = "moe_topk";
  family.can.missing = "norms of queries and keys after the rotation";
  return family;
}

}  // namespace espalier::arch
