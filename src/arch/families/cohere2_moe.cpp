#include "arch/decoder_parts.h"

namespace espalier::arch {

Family cohere2_moe() {
  Family family = decoder_family("cohere2_moe", "Command A+", [](ConfigFields& config) {
    const bool sigmoid = config.fields().string("expert_selection_fn", "softmax") == "sigmoid";
    return unread_spec(config, moe_parts(config, sigmoid ? Routing::kSigmoid : Routing::kSoftmaxOfChosen));
  });
  family.can.missing = "attention and network side by side, from one layer norm";
  family.formats = "bf16, fp8, int4";
  return family;
}

}  // namespace espalier::arch
