#include "arch/decoder_parts.h"

namespace espalier::arch {

Family dots3_note() {
  static constexpr Variant variants[] = {
      {"dots3_note_text", "dots3.note, language model alone"},
  };
  Family family = decoder_family("dots3_note", "dots3.note", [](ConfigFields& config) {
    return unread_spec(config, moe_parts(config, Routing::kSigmoidWithBias));
  });
  family.config.experts = "n_routed_experts";
  family.next_token = {"model.mtp.", "model.mtp.layers."};
  family.variants = variants;
  family.can.missing = "latent attention with an indexer, and with gates of heads";
  return family;
}

}  // namespace espalier::arch
