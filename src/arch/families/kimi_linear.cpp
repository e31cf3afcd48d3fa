#include "arch/decoder_parts.h"

namespace espalier::arch {

Family kimi_linear() {
  static constexpr Variant variants[] = {
      {"kimi_k3", "Kimi-K3", "language_model.model.", "text_config"},
  };
  Family family = decoder_family("kimi_linear", "Kimi-Linear", [](ConfigFields& config) {
    DecoderParts parts = moe_parts(config, Routing::kSigmoidWithBias);
    parts.moe.input_width = config.fields().integer("routed_expert_hidden_size", {0, kWidest}, 0);
    return unread_spec(config, parts);
  });
  family.style = kW123Rows;
  family.feed_forward = "block_sparse_moe.";
  family.config.experts_per_token = "num_experts_per_token";
  family.config.groups = "num_expert_group";
  family.variants = variants;
  family.can.missing = "Kimi Delta Attention";
  return family;
}

}  // namespace espalier::arch
