#include "arch/decoder_parts.h"

namespace espalier::arch {

/// Diffusion language models with Qwen3-MoE's experts.
Family llada_moe() {
  static constexpr Variant variants[] = {
      {"rnd1", "RND1"},
  };
  Family family = decoder_family("llada_moe", "LLaDA-MoE", [](ConfigFields& config) {
    return unread_spec(config, moe_parts(config, Routing::kSoftmax));
  });
  family.variants = variants;
  family.can.missing = "attention to both sides";
  return family;
}

}  // namespace espalier::arch
