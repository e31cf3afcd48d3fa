#include "arch/decoder_parts.h"

namespace espalier::arch {

Family grove_moe() {
  Family family = decoder_family("grove_moe", "GroveMoE", [](ConfigFields& config) {
    return unread_spec(config, moe_parts(config, Routing::kSoftmax));
  });
  family.can.keeps_all_experts = "neighbours share an expert of `chunk_experts`, and go only together";
  family.can.missing = "experts that several others share";
  return family;
}

}  // namespace espalier::arch
