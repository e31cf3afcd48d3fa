#include "arch/decoder_parts.h"

namespace espalier::arch {

Family deepseek_v2() {
  Family family = decoder_family("deepseek_v2", "DeepSeek-V2", [](ConfigFields& config) {
    DecoderParts parts = deepseek_parts(config, DeepSeekRouter::kSoftmax);
    parts.mixer = latent_attention(config, RotaryPairs::kNeighbours);
    RouterConfig& rule = parts.moe.router.rule;
    // "gready" is the default of the original code.
    if (config.expect("topk_method", {"greedy", "gready", "group_limited_greedy"}, "greedy") ==
        "group_limited_greedy")
      read_groups(config, rule);
    // The original code scales only where it does not normalise.
    const double scale = config.fields().number("routed_scaling_factor", {0.0, 1e9}, 1.0);
    if (!rule.normalise) rule.scale = scale;
    return decoder_spec(config, parts);
  });
  family.config.experts = "n_routed_experts";
  return family;
}

}  // namespace espalier::arch
