#include "arch/decoder_parts.h"

namespace espalier::arch {

Family dots1() {
  Family family = decoder_family("dots1", "dots.llm1", [](ConfigFields& config) {
    DecoderParts parts = moe_parts(config, Routing::kSigmoidWithBias);
    GroupedAttention attention = grouped_attention(config, 1e4);
    read_attention_bias(config, attention);
    attention.query_key_norm = QueryKeyNorm::kPerHead;
    parts.mixer = attention;
    parts.windows = windows(config, FirstSlidingLayer::kMaxWindowLayers);
    return decoder_spec(config, parts);
  });
  family.config.experts = "n_routed_experts";
  return family;
}

}  // namespace espalier::arch
