#include "arch/decoder_parts.h"

namespace espalier::arch {

Family qwen3_next() {
  Family family = decoder_family("qwen3_next", "Qwen3-Next", [](ConfigFields& config) {
    DecoderParts parts = moe_parts(config, Routing::kSoftmax);
    if (parts.moe.shared) parts.moe.shared->gated = true;
    return unread_spec(config, parts);
  });
  family.next_token = {"mtp.", "mtp.layers."};
  family.can.missing = "Gated DeltaNet";
  family.formats = "bf16, fp8 blocks, nvfp4, awq";
  return family;
}

}  // namespace espalier::arch
