#include "arch/decoder_parts.h"

namespace espalier::arch {

Family phimoe() {
  Family family = decoder_family("phimoe", "Phi-3.5-MoE", [](ConfigFields& config) {
    return unread_spec(config, moe_parts(config, Routing::kSoftmax));
  });
  family.config.experts = "num_local_experts";
  family.style = kW123Rows;
  family.feed_forward = "block_sparse_moe.";
  family.can.missing = "routing by two masked choices, and layer norms with biases in a decoder";
  return family;
}

}  // namespace espalier::arch
