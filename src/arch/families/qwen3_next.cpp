#include "arch/decoder_parts.h"

namespace espalier::arch {

Family qwen3_next() {
  static constexpr TensorRow rows[] = {
      {Role::kScanInput, Part::kWeight, "{M}layers.{L}.linear_attn.in_proj_qkvz.weight"},
      {Role::kScanBeta, Part::kWeight, "{M}layers.{L}.linear_attn.in_proj_ba.weight"},
  };
  Family family = decoder_family("qwen3_next", "Qwen3-Next", [](ConfigFields& config) {
    DecoderParts parts = moe_parts(config, Routing::kSoftmax);
    parts.turned_part = 0.25;
    return qwen_delta_spec(config, std::move(parts), true);
  });
  family.rows = rows;
  family.next_token = {"mtp.", "mtp.layers."};
  family.formats = "bf16, fp8 blocks, nvfp4, awq";
  return family;
}

}  // namespace espalier::arch
