#include "arch/decoder_parts.h"

namespace espalier::arch {

Family qwen4_exp() {
  static constexpr Variant variants[] = {
      {"qwen4_exp", "Qwen4-Exp", "model.language_model.", "text_config"},
  };
  Family family =
      decoder_family("qwen4_exp_text", "Qwen4-Exp, language model alone", [](ConfigFields& config) {
        DecoderParts parts = moe_parts(config, Routing::kSoftmax);
        parts.moe.router.rule.normalise = true;
        if (parts.moe.shared) parts.moe.shared->gated = true;
        return unread_spec(config, parts);
      });
  family.config.next_token_layers = "mtp_num_hidden_layers";
  family.next_token = {"mtp.", "mtp.layers."};
  family.variants = variants;
  family.can.missing = "Gated DeltaNet, hyper-connections and n-gram embeddings";
  family.formats = "bf16, fp8 blocks, nvfp4";
  return family;
}

}  // namespace espalier::arch
