#include "arch/decoder_parts.h"

namespace espalier::arch {

Family deepseek() {
  Family family = decoder_family("deepseek", "DeepSeekMoE", [](ConfigFields& config) {
    DecoderParts parts = deepseek_parts(config, DeepSeekRouter::kSoftmax);
    GroupedAttention attention = grouped_attention(config, 1e4);
    read_attention_bias(config, attention);
    parts.mixer = attention;
    return decoder_spec(config, parts);
  });
  family.config.experts = "n_routed_experts";
  return family;
}

}  // namespace espalier::arch
