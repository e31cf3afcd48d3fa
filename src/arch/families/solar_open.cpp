#include "arch/decoder_parts.h"

namespace espalier::arch {

Family solar_open() {
  Family family = decoder_family("solar_open", "Solar Open", [](ConfigFields& config) {
    DecoderParts parts = moe_parts(config, Routing::kSigmoidWithBias);
    GroupedAttention attention = grouped_attention(config, 1e6);
    attention.query_key_value_bias = config.fields().boolean("attention_bias", false);
    parts.mixer = attention;
    parts.turned_part = 1.0;
    return decoder_spec(config, parts);
  });
  family.config.experts = "n_routed_experts";
  return family;
}

}  // namespace espalier::arch
