#include "arch/decoder_parts.h"

namespace espalier::arch {

/// The thinker; the talker's experts stay as they are.
Family qwen3_omni_moe() {
  Family family = decoder_family("qwen3_omni_moe", "Qwen3-Omni-MoE", [](ConfigFields& config) {
    return unread_spec(config, moe_parts(config, Routing::kSoftmax));
  });
  family.modules = "thinker.model.";
  family.config.nested = "thinker_config.text_config";
  family.can.missing = "sound and pictures beside the thinker";
  return family;
}

}  // namespace espalier::arch
