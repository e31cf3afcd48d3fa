#include "arch/decoder_parts.h"

namespace espalier::arch {
namespace {

ModelSpec read(ConfigFields& config) {
  DecoderParts parts = qwen_parts(config);
  auto& attention = std::get<GroupedAttention>(parts.mixer);
  read_attention_bias(config, attention);
  attention.query_key_norm = QueryKeyNorm::kPerHead;
  return decoder_spec(config, parts);
}

}  // namespace

Family qwen3_moe() {
  return decoder_family("qwen3_moe", "Qwen3-MoE", read);
}

}  // namespace espalier::arch
