#include "arch/decoder_parts.h"

namespace espalier::arch {

Family qwen3_moe() {
  return decoder_family("qwen3_moe", "Qwen3-MoE", [](ConfigFields& config) {
    DecoderParts parts = qwen_parts(config);
    auto& attention = std::get<GroupedAttention>(parts.mixer);
    read_attention_bias(config, attention);
    attention.query_key_norm = QueryKeyNorm::kPerHead;
    return decoder_spec(config, parts);
  });
}

}  // namespace espalier::arch
