#include <fmt/format.h>

#include "arch/decoder_parts.h"

namespace espalier::arch {
namespace {

/// Kinds of blocks, each with one mixer or one network: letters (M: Mamba2, *: attention, E: experts, -: a
/// plain network), or words.
std::vector<std::string> kinds(ConfigFields& config) {
  JsonObject& fields = config.fields();
  if (fields.has("layers_block_type"))
    return config.per_block("layers_block_type", fields.value("layers_block_type").size());
  std::vector<std::string> kinds;
  for (const char letter : fields.string("hybrid_override_pattern"))
    kinds.emplace_back(letter == 'E'   ? "moe"
                       : letter == '-' ? "mlp"
                       : letter == '*' ? "full_attention"
                                       : "mamba");
  return kinds;
}

Mamba2 read_mamba2(ConfigFields& config) {
  JsonObject& fields = config.fields();
  Mamba2 mamba;
  mamba.value_heads = fields.integer("mamba_num_heads", {1, kMostExperts}, 128);
  mamba.width = fields.integer("mamba_head_dim", {1, kWidest}, 64);
  mamba.state = fields.integer("ssm_state_size", {1, kWidest}, 128);
  mamba.groups = mamba.norm_groups = fields.integer("n_groups", {1, mamba.value_heads}, 8);
  mamba.kernel = fields.integer("conv_kernel", {1, 64}, 4);
  mamba.biases = fields.boolean("use_bias", false);
  mamba.convolution_bias = fields.boolean("use_conv_bias", true);
  mamba.shortest_step = fields.number("time_step_min", {0.0, 1e6}, 0.001);
  return mamba;
}

ModelSpec read_nemotron_h(ConfigFields& config) {
  JsonObject& fields = config.fields();
  std::vector<bool> sparse, no_network;
  const auto blocks = kinds(config);
  for (const std::string& kind : blocks) {
    sparse.push_back(kind == "moe");
    no_network.push_back(kind != "moe" && kind != "mlp");
  }
  if (fields.has("num_hidden_layers") && config.layers() != static_cast<std::int64_t>(sparse.size()))
    fields.fail("num_hidden_layers",
                fmt::format("found {}, but {} kinds of blocks", config.layers(), sparse.size()));
  DecoderParts parts = moe_parts(config, Routing::kSigmoidWithBias, sparse);
  parts.no_network = no_network;
  parts.moe.expert.gated = false;
  parts.moe.expert.activation = Activation::kSquaredRelu;
  if (parts.moe.shared) {
    parts.moe.shared->network.gated = false;
    parts.moe.shared->network.activation = Activation::kSquaredRelu;
  }
  parts.moe.input_width = fields.integer("moe_latent_size", {0, kWidest}, 0);
  parts.epsilon = fields.number("layer_norm_epsilon", {1e-12, 1.0}, 1e-5);
  GroupedAttention attention = grouped_attention(config, 1e4);
  read_attention_bias(config, attention);
  attention.rotary.reset();
  parts.mixer = attention;
  ModelSpec spec = decoder_spec(config, parts);
  for (std::size_t layer = 0; layer < blocks.size(); ++layer) {
    BlockSpec& block = spec.blocks[layer];
    if (blocks[layer] == "mamba" || blocks[layer] == "linear_attention") block.mixer = read_mamba2(config);
    if (!no_network[layer]) block.mixer = Absent{};
    if (auto* dense = std::get_if<FeedForward>(&block.feed_forward)) {
      dense->gated = false;
      dense->activation = Activation::kSquaredRelu;
    }
  }
  return spec;
}

}  // namespace

Family nemotron_h() {
  static constexpr TensorRow rows[] = {
      {Role::kTokenEmbedding, Part::kWeight, "{M}embeddings.weight"},
      {Role::kMixerNorm, Part::kWeight, "{M}layers.{L}.norm.weight"},
      {Role::kFeedForwardNorm, Part::kWeight, "{M}layers.{L}.norm.weight"},
      {Role::kFinalNorm, Part::kWeight, "{M}norm_f.weight"},
      {Role::kQuery, Part::kWeight, "{M}layers.{L}.mixer.q_proj.weight"},
      {Role::kKey, Part::kWeight, "{M}layers.{L}.mixer.k_proj.weight"},
      {Role::kValue, Part::kWeight, "{M}layers.{L}.mixer.v_proj.weight"},
      {Role::kMixerOutput, Part::kWeight, "{M}layers.{L}.mixer.o_proj.weight"},
      {Role::kScanOutput, Part::kWeight, "{M}layers.{L}.mixer.out_proj.weight"},
      {Role::kScanInput, Part::kWeight, "{M}layers.{L}.mixer.in_proj.weight"},
      {Role::kConvolution, Part::kWeight, "{M}layers.{L}.mixer.conv1d.weight"},
      {Role::kConvolution, Part::kBias, "{M}layers.{L}.mixer.conv1d.bias"},
      {Role::kDecayRate, Part::kWeight, "{M}layers.{L}.mixer.A_log"},
      {Role::kDecayBias, Part::kWeight, "{M}layers.{L}.mixer.dt_bias"},
      {Role::kSkip, Part::kWeight, "{M}layers.{L}.mixer.D"},
      {Role::kScanNorm, Part::kWeight, "{M}layers.{L}.mixer.norm.weight"},
      {Role::kLatentIn, Part::kWeight, "{M}layers.{L}.mixer.fc1_latent_proj.weight"},
      {Role::kLatentOut, Part::kWeight, "{M}layers.{L}.mixer.fc2_latent_proj.weight"},
  };
  Family family = decoder_family("nemotron_h", "Nemotron-H", read_nemotron_h);
  family.rows = rows;
  family.config.experts = "n_routed_experts";
  family.modules = "backbone.";
  family.feed_forward = "mixer.";
  family.next_token = {"mtp.", "mtp.layers."};
  family.formats = "bf16, fp8, nvfp4";
  return family;
}

}  // namespace espalier::arch
