#include "arch/decoder_parts.h"

namespace espalier::arch {

/// Rows of the router after the experts' are choices that give a token back as it is.
Family longcat_flash() {
  static constexpr TensorRow rows[] = {
      {Role::kRouter, Part::kWeight, "{M}layers.{L}.{F}router.classifier.weight"},
      {Role::kRouter, Part::kCorrection, "{M}layers.{L}.{F}router.e_score_correction_bias"},
  };
  Family family = decoder_family("longcat_flash", "LongCat-Flash", [](ConfigFields& config) {
    DecoderParts parts = moe_parts(config, Routing::kSoftmaxWithBias);
    parts.moe.router.rule.normalise = false;
    parts.moe.router.extra_rows = config.fields().integer("zero_expert_num", {0, kMostExperts}, 0);
    return unread_spec(config, parts);
  });
  family.rows = rows;
  family.config.experts = "n_routed_experts";
  family.config.experts_per_token = "moe_topk";
  family.config.layers = "num_layers";
  family.next_token = {"model.mtp.", "model.mtp.layers."};
  family.can.missing = "two attentions and two networks a block";
  return family;
}

}  // namespace espalier::arch
