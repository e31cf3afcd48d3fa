#include "arch/decoder_parts.h"

namespace espalier::arch {

Family cohere2_moe() {
  Family family = decoder_family("cohere2_moe", "Command A+", [](ConfigFields& config) {
    const bool sigmoid = config.fields().string("expert_selection_fn", "softmax") == "sigmoid";
    JsonObject& fields = config.fields();
    DecoderParts parts = moe_parts(config, sigmoid ? Routing::kSigmoid : Routing::kSoftmaxOfChosen);
    parts.moe.router.rule.normalise = fields.boolean("norm_topk_prob", true);
    const bool average =
        config.expect("shared_expert_combination_strategy", {"average", "sum"}, "average") == "average";
    if (parts.moe.shared && average) parts.moe.output_scale = 0.5;
    GroupedAttention attention = grouped_attention(config, 1e4);
    read_attention_bias(config, attention);
    attention.rotary->pairs = RotaryPairs::kNeighbours;
    parts.mixer = attention;
    parts.windows = windows_by_type(config);
    ModelSpec spec = decoder_spec(config, parts);
    const bool rms = fields.has("rms_norm_eps");
    const double epsilon = rms ? parts.epsilon : fields.number("layer_norm_eps", {1e-12, 1.0}, 1e-5);
    const Norm norm{rms ? NormKind::kRms : NormKind::kLayer, epsilon, false, false};
    const bool dense_turn = fields.integer("prefix_dense_sliding_window_pattern", {0, kMostLayers}, 1) == 1;
    for (BlockSpec& block : spec.blocks) {
      block.norm = norm;
      block.residual.parallel = true;
      auto& mixer = std::get<GroupedAttention>(block.mixer);
      if (mixer.window == 0 && (block.moe() != nullptr || !dense_turn)) mixer.rotary.reset();
    }
    spec.final_norm = norm;
    spec.heads.language->multiplier = fields.number("logit_scale", {1e-6, 1e6}, 0.0625);
    return spec;
  });
  family.formats = "bf16, fp8, int4";
  return family;
}

}  // namespace espalier::arch
