#include "arch/decoder_parts.h"

namespace espalier::arch {
namespace {

ModelSpec read(ConfigFields& config) {
  return unread_spec(config, "intermediate_size");
}

}  // namespace

Family phimoe() {
  Family family = decoder_family("phimoe", "Phi-3.5-MoE", read);
  family.config.experts = "num_local_experts";
  family.rows = kBlockSparseRows;
  family.can.missing = "routing by two masked choices, and layer norms with biases in a decoder";
  return family;
}

}  // namespace espalier::arch
