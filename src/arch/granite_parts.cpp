#include "arch/decoder_parts.h"

namespace espalier::arch {

DecoderParts granite_parts(ConfigFields& config) {
  DecoderParts parts = moe_parts(config, Routing::kSoftmaxOfChosen);
  GroupedAttention attention = grouped_attention(config, 1e4);
  read_attention_bias(config, attention);
  attention.scale = config.fields().number("attention_multiplier", {1e-6, 1e6}, 1.0);
  parts.mixer = attention;
  return parts;
}

namespace {

Mamba2 read_mamba2(ConfigFields& config) {
  JsonObject& fields = config.fields();
  Mamba2 mamba;
  mamba.value_heads = fields.integer("mamba_n_heads", {1, kMostExperts}, 128);
  mamba.width = fields.integer("mamba_d_head", {1, kWidest}, 64);
  mamba.state = fields.integer("mamba_d_state", {1, kWidest}, 256);
  mamba.groups = fields.integer("mamba_n_groups", {1, mamba.value_heads}, 1);
  mamba.kernel = fields.integer("mamba_d_conv", {1, 64}, 4);
  mamba.biases = fields.boolean("mamba_proj_bias", false);
  mamba.convolution_bias = fields.boolean("mamba_conv_bias", true);
  if (fields.has("time_step_limit") && fields.value("time_step_limit").is_array() &&
      !fields.value("time_step_limit").empty() && fields.value("time_step_limit").front().is_number())
    mamba.shortest_step = fields.value("time_step_limit").front().get<double>();
  return mamba;
}

/// Granite 4: some blocks have Mamba2, and attention has no positions.
void read_hybrid(ConfigFields& config, ModelSpec& spec) {
  const bool turned = config.fields().string("position_embedding_type", "nope") == "rope";
  const auto types = config.per_block("layer_types", spec.blocks.size());
  for (std::size_t layer = 0; layer < types.size(); ++layer) {
    if (types[layer] == "mamba" || types[layer] == "linear_attention")
      spec.blocks[layer].mixer = read_mamba2(config);
    else if (auto* grouped = std::get_if<GroupedAttention>(&spec.blocks[layer].mixer);
             grouped != nullptr && !turned)
      grouped->rotary.reset();
  }
}

}  // namespace

ModelSpec granite_spec(ConfigFields& config, const DecoderParts& parts) {
  JsonObject& fields = config.fields();
  ModelSpec spec = decoder_spec(config, parts);
  std::get<TextInput>(spec.input).multiplier = fields.number("embedding_multiplier", {1e-6, 1e6}, 1.0);
  for (BlockSpec& block : spec.blocks)
    block.residual.multiplier = fields.number("residual_multiplier", {1e-6, 1e6}, 1.0);
  if (config.family().model_type == "granitemoehybrid") read_hybrid(config, spec);
  spec.heads.language->multiplier = 1.0 / fields.number("logits_scaling", {1e-6, 1e6}, 1.0);
  return spec;
}

}  // namespace espalier::arch
