#include "arch/decoder_parts.h"

namespace espalier::arch {

Family qwen3_5_moe() {
  static constexpr Variant variants[] = {
      {"qwen3_5_moe", "Qwen3.5-MoE", "model.language_model.", "text_config"},
  };
  Family family =
      decoder_family("qwen3_5_moe_text", "Qwen3.5-MoE, language model alone", [](ConfigFields& config) {
        DecoderParts parts = moe_parts(config, Routing::kSoftmax);
        parts.moe.router.rule.normalise = true;  // whatever norm_topk_prob says
        parts.turned_part = 0.25;
        return qwen_delta_spec(config, std::move(parts), false);
      });
  family.config.next_token_layers = "mtp_num_hidden_layers";
  family.next_token = {"mtp.", "mtp.layers."};
  family.variants = variants;
  family.formats = "bf16, fp8 blocks, nvfp4, gptq";
  return family;
}

}  // namespace espalier::arch
