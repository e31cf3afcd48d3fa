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
    kinds.emplace_back(letter == 'E' ? "moe" : letter == '-' ? "mlp" : "mixer");
  return kinds;
}

ModelSpec read_nemotron_h(ConfigFields& config) {
  JsonObject& fields = config.fields();
  std::vector<bool> sparse, no_network;
  for (const std::string& kind : kinds(config)) {
    sparse.push_back(kind == "moe");
    no_network.push_back(kind != "moe" && kind != "mlp");
  }
  if (fields.has("num_hidden_layers") && config.layers() != static_cast<std::int64_t>(sparse.size()))
    fields.fail("num_hidden_layers",
                fmt::format("found {}, but {} kinds of blocks", config.layers(), sparse.size()));
  DecoderParts parts = moe_parts(config, Routing::kSigmoidWithBias, sparse);
  parts.no_network = no_network;
  parts.moe.expert.gated = false;
  parts.moe.expert.activation = Activation::kRelu;  // squared
  if (parts.moe.shared) parts.moe.shared->network.gated = false;
  parts.moe.input_width = fields.integer("moe_latent_size", {0, kWidest}, 0);
  return unread_spec(config, parts);
}

}  // namespace

Family nemotron_h() {
  static constexpr TensorRow rows[] = {
      {Role::kTokenEmbedding, Part::kWeight, "{M}embeddings.weight"},
  };
  Family family = decoder_family("nemotron_h", "Nemotron-H", read_nemotron_h);
  family.rows = rows;
  family.config.experts = "n_routed_experts";
  family.modules = "backbone.";
  family.feed_forward = "mixer.";
  family.next_token = {"mtp.", "mtp.layers."};
  family.can.missing = "Mamba2, and blocks of one mixer or one network";
  family.formats = "bf16, fp8, nvfp4";
  return family;
}

}  // namespace espalier::arch
