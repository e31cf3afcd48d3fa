#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "infer/decoder.h"

namespace espalier::infer {
namespace {

/// Finds tensors by name and checks their shapes.
class Finder {
 public:
  explicit Finder(const Checkpoint& checkpoint) : checkpoint_(checkpoint) {}

  bool contains(const std::string& name) const { return checkpoint_.contains(name); }

  StoredWeight find(const std::string& name, const std::vector<std::int64_t>& shape) const {
    const formats::Weight weight = checkpoint_.weight(name);
    std::int64_t rows = 1;
    for (std::size_t axis = 0; axis + 1 < shape.size(); ++axis) rows *= shape[axis];
    if (weight.rows != rows || weight.columns != shape.back())
      throw UserError(fmt::format("{}: tensor '{}' has the shape [{}], but config.json asks for [{}]",
                                  checkpoint_.folder().string(), name,
                                  fmt::join(shape_of(name, weight), ", "), fmt::join(shape, ", ")));
    return {weight, {}};
  }
  StoredWeight matrix(const std::string& name, std::int64_t out, std::int64_t in) const {
    return find(name + ".weight", {out, in});
  }
  StoredWeight norm(const std::string& name, std::int64_t width) const {
    return find(name + ".weight", {width});
  }
  StoredLinear linear(const std::string& name, std::int64_t out, std::int64_t in, bool bias) const {
    return {matrix(name, out, in), bias ? find(name + ".bias", {out}) : StoredWeight{}};
  }

 private:
  std::vector<std::int64_t> shape_of(const std::string& name, const formats::Weight& weight) const {
    if (!checkpoint_.contains(name)) return {weight.rows, weight.columns};
    const auto shape = checkpoint_.tensor(name).shape;
    return {shape.begin(), shape.end()};
  }
  const Checkpoint& checkpoint_;
};

GroupedAttention find_grouped(const Finder& finder, const std::string& prefix, const DecoderConfig& config) {
  const auto D = config.hidden_size, d = config.head_width;
  const auto H = config.heads, G = config.key_value_heads;
  const bool bias = config.query_key_value_bias;
  GroupedAttention attention{finder.linear(prefix + "q_proj", H * d, D, bias),
                             finder.linear(prefix + "k_proj", G * d, D, bias),
                             finder.linear(prefix + "v_proj", G * d, D, bias),
                             finder.linear(prefix + "o_proj", D, H * d, config.attention_output_bias),
                             {},
                             {}};
  if (config.qk_norm == QkNorm::kNone) return attention;
  const bool all = config.qk_norm == QkNorm::kAllHeads;
  attention.query_norm = finder.norm(prefix + "q_norm", all ? H * d : d);
  attention.key_norm = finder.norm(prefix + "k_norm", all ? G * d : d);
  return attention;
}

LatentAttentionWeights find_latent(const Finder& finder, const std::string& prefix,
                                   const DecoderConfig& config) {
  const LatentAttention& latent = *config.latent;
  const auto D = config.hidden_size, H = config.heads;
  const auto rank = latent.key_value_rank, turned = latent.rope_head_width;
  const bool bias = config.query_key_value_bias;
  LatentAttentionWeights attention;
  if (latent.query_rank) {
    attention.query_down = finder.linear(prefix + "q_a_proj", *latent.query_rank, D, bias);
    attention.query_norm = finder.norm(prefix + "q_a_layernorm", *latent.query_rank);
    attention.query = finder.linear(prefix + "q_b_proj", H * config.head_width, *latent.query_rank, false);
  } else {
    attention.query = finder.linear(prefix + "q_proj", H * config.head_width, D, false);
  }
  attention.key_value_down = finder.linear(prefix + "kv_a_proj_with_mqa", rank + turned, D, bias);
  attention.key_value_norm = finder.norm(prefix + "kv_a_layernorm", rank);
  attention.key_value = finder.linear(prefix + "kv_b_proj",
                                      H * (latent.nope_head_width + latent.value_head_width), rank, false);
  attention.output =
      finder.linear(prefix + "o_proj", D, H * latent.value_head_width, config.attention_output_bias);
  return attention;
}

/// The names of an expert's projections: gate, up, down.
struct FfnNames {
  const char *gate, *up, *down;
};
constexpr FfnNames kPlain{"gate_proj", "up_proj", "down_proj"};
constexpr FfnNames kMixtral{"w1", "w3", "w2"};

GatedFfn find_ffn(const Finder& finder, const std::string& prefix, const FfnNames& names, std::int64_t D,
                  std::int64_t F) {
  return {finder.matrix(prefix + names.gate, F, D), finder.matrix(prefix + names.up, F, D),
          finder.matrix(prefix + names.down, D, F)};
}

/// `gate_up_proj` [E, 2F, D], gate rows first, and `down_proj` [E, D, F].
std::vector<GatedFfn> find_stacked(const Finder& finder, const std::string& prefix, std::int64_t E,
                                   std::int64_t D, std::int64_t F) {
  const auto gate_up = finder.find(prefix + "gate_up_proj", {E, 2 * F, D});
  const auto down = finder.find(prefix + "down_proj", {E, D, F});
  std::vector<GatedFfn> experts;
  for (std::int64_t e = 0; e < E; ++e)
    experts.push_back({gate_up.rows(2 * e * F, F), gate_up.rows((2 * e + 1) * F, F), down.rows(e * D, D)});
  return experts;
}

DecoderMoe find_moe(const Finder& finder, const std::string& block, const DecoderConfig& config,
                    std::int64_t E) {
  const auto D = config.hidden_size;
  const bool mixtral = config.model_type == "mixtral";
  const std::string prefix = block + (mixtral ? "block_sparse_moe." : "mlp.");
  DecoderMoe moe;
  moe.router = finder.matrix(prefix + "gate", E, D);
  if (config.router.correction_bias)
    moe.correction_bias = widened(finder.find(prefix + "gate.e_score_correction_bias", {E}));
  if (finder.contains(prefix + "experts.gate_up_proj")) {
    moe.experts = find_stacked(finder, prefix + "experts.", E, D, config.expert_width);
  } else {
    for (std::int64_t e = 0; e < E; ++e)
      moe.experts.push_back(find_ffn(finder, fmt::format("{}experts.{}.", prefix, e),
                                     mixtral ? kMixtral : kPlain, D, config.expert_width));
  }
  if (config.shared_width > 0) {
    const char* shared = config.gated_shared_expert ? "shared_expert." : "shared_experts.";
    moe.shared = find_ffn(finder, prefix + shared, kPlain, D, config.shared_width);
  }
  if (config.gated_shared_expert) moe.shared_gate = finder.matrix(prefix + "shared_expert_gate", 1, D);
  return moe;
}

DecoderBlock find_block(const Finder& finder, const DecoderConfig& config, std::int64_t layer) {
  const std::string prefix = fmt::format("model.layers.{}.", layer);
  DecoderBlock block;
  block.attention_norm = finder.norm(prefix + "input_layernorm", config.hidden_size);
  if (config.latent)
    block.attention = find_latent(finder, prefix + "self_attn.", config);
  else
    block.attention = find_grouped(finder, prefix + "self_attn.", config);
  block.feed_forward_norm = finder.norm(prefix + "post_attention_layernorm", config.hidden_size);
  const std::int64_t E = config.experts[static_cast<std::size_t>(layer)];
  if (E > 0)
    block.feed_forward = find_moe(finder, prefix, config, E);
  else
    block.feed_forward = find_ffn(finder, prefix + "mlp.", kPlain, config.hidden_size, config.dense_width);
  return block;
}

}  // namespace

DecoderModel load_decoder(Checkpoint checkpoint) {
  DecoderModel model;
  model.source = std::make_shared<const Checkpoint>(std::move(checkpoint));
  model.config =
      parse_decoder_config(model.source->config(), (model.source->folder() / "config.json").string());
  const Finder finder(*model.source);
  const auto V = model.config.vocab_size, D = model.config.hidden_size;
  model.embedding = finder.matrix("model.embed_tokens", V, D);
  for (std::int64_t layer = 0; layer < model.config.layers; ++layer)
    model.blocks.push_back(find_block(finder, model.config, layer));
  model.norm = finder.norm("model.norm", D);
  model.head = model.config.tied_embeddings ? model.embedding : finder.matrix("lm_head", V, D);
  return model;
}

}  // namespace espalier::infer
