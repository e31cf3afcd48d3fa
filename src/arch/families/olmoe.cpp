#include "arch/decoder_parts.h"

namespace espalier::arch {

Family olmoe() {
  return decoder_family("olmoe", "OLMoE", [](ConfigFields& config) {
    DecoderParts parts;
    parts.epsilon = rms_epsilon(config, 1e-5);
    GroupedAttention attention = grouped_attention(config, 1e4);
    read_attention_bias(config, attention);
    attention.query_key_norm = QueryKeyNorm::kAllHeads;
    if (config.fields().has("clip_qkv")) attention.clip = config.fields().number("clip_qkv", {1e-6, 1e9});
    parts.mixer = attention;
    parts.moe.expert.width = config.width("intermediate_size");
    parts.moe.router.rule.normalise = config.fields().boolean("norm_topk_prob", false);
    return decoder_spec(config, parts);
  });
}

}  // namespace espalier::arch
