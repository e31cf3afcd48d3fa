#include "arch/decoder_parts.h"

namespace espalier::arch {

Family mellum() {
  Family family = decoder_family("mellum", "Mellum", [](ConfigFields& config) {
    DecoderParts parts = moe_parts(config, Routing::kSoftmax);
    parts.moe.router.rule.normalise = config.fields().boolean("norm_topk_prob", false);
    GroupedAttention attention = grouped_attention(config, 5e5);
    read_attention_bias(config, attention);
    attention.query_key_norm = QueryKeyNorm::kPerHead;
    parts.mixer = attention;
    parts.windows = windows_by_type(config);
    return decoder_spec(config, parts);
  });
  return family;
}

}  // namespace espalier::arch
