#include "arch/decoder_parts.h"

namespace espalier::arch {

Family minimax() {
  Family family = decoder_family("minimax", "MiniMax-Text-01", [](ConfigFields& config) {
    return unread_spec(config, moe_parts(config, Routing::kSoftmax));
  });
  family.config.experts = "num_local_experts";
  family.style = kW123Rows;
  family.feed_forward = "block_sparse_moe.";
  family.can.missing = "lightning attention";
  return family;
}

}  // namespace espalier::arch
