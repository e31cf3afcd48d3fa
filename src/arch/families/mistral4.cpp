#include "arch/decoder_parts.h"

namespace espalier::arch {

Family mistral4() {
  static constexpr Variant variants[] = {
      {"mistral3", "Mistral Small 4", "language_model.model.", "text_config", "mistral4"},
  };
  Family family =
      decoder_family("mistral4", "Mistral Small 4, language model alone", [](ConfigFields& config) {
        DecoderParts parts = moe_parts(config, Routing::kSoftmax);
        read_groups(config, parts.moe.router.rule);
        return unread_spec(config, parts);
      });
  family.config.experts = "n_routed_experts";
  family.variants = variants;
  family.can.missing = "latent attention with queries scaled by position";
  family.formats = "fp8, nvfp4";
  return family;
}

}  // namespace espalier::arch
