#include "arch/decoder_parts.h"

namespace espalier::arch {

Family kolibri1() {
  static constexpr TensorRow rows[] = {
      {Role::kRouter, Part::kCorrection, "{M}layers.{L}.moe.router.expert_bias"},
  };
  Family family = decoder_family("kolibri1", "Kolibri-1", [](ConfigFields& config) {
    DecoderParts parts = moe_parts(config, Routing::kSigmoidWithBias);
    parts.moe.router.rule.normalise = config.fields().boolean("norm_topk_prob", false);
    return unread_spec(config, parts);
  });
  family.rows = rows;
  family.config.experts = "num_local_experts";
  family.can.missing = "a bias of logits, and norms after the blocks";
  return family;
}

}  // namespace espalier::arch
