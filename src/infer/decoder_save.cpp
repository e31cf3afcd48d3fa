#include "infer/decoder_save.h"

#include <fmt/format.h>

#include "base/files.h"
#include "base/json.h"

namespace espalier::infer {
namespace {

/// Collects tensors under the names that `load_decoder` looks for.
class Collector {
 public:
  explicit Collector(Dtype dtype) : dtype_(dtype) {}

  void matrix(std::string name, const StoredWeight& weight) {
    add(std::move(name), weight, {weight.out(), weight.in()}, dtype_);
  }
  /// Nothing where there is no such weight.
  void vector(std::string name, const StoredWeight& weight) {
    if (weight.defined()) add(std::move(name), weight, {weight.elements()}, dtype_);
  }
  void exact_vector(std::string name, const StoredWeight& weight) {
    add(std::move(name), weight, {weight.elements()}, Dtype::kF32);
  }
  void linear(const std::string& name, const StoredLinear& linear) {
    if (!linear.weight.defined()) return;
    matrix(name + ".weight", linear.weight);
    vector(name + ".bias", linear.bias);
  }

  std::vector<TensorSource> take() { return std::move(sources_); }

 private:
  void add(std::string name, const StoredWeight& weight, std::vector<std::int64_t> shape, Dtype dtype) {
    sources_.push_back({std::move(name), dtype, std::move(shape), [weight, dtype](std::span<std::byte> to) {
                          Buffer<float> buffer;
                          const float* values = weight.read(buffer);
                          from_float32(dtype, {values, static_cast<std::size_t>(weight.elements())}, to);
                        }});
  }

  Dtype dtype_;
  std::vector<TensorSource> sources_;
};

void collect(Collector& to, const std::string& prefix, const GroupedAttention& attention) {
  to.linear(prefix + "q_proj", attention.query);
  to.linear(prefix + "k_proj", attention.key);
  to.linear(prefix + "v_proj", attention.value);
  to.linear(prefix + "o_proj", attention.output);
  to.vector(prefix + "q_norm.weight", attention.query_norm);
  to.vector(prefix + "k_norm.weight", attention.key_norm);
}

void collect(Collector& to, const std::string& prefix, const LatentAttentionWeights& attention) {
  to.linear(prefix + "q_a_proj", attention.query_down);
  to.vector(prefix + "q_a_layernorm.weight", attention.query_norm);
  to.linear(prefix + (attention.query_down.weight.defined() ? "q_b_proj" : "q_proj"), attention.query);
  to.linear(prefix + "kv_a_proj_with_mqa", attention.key_value_down);
  to.vector(prefix + "kv_a_layernorm.weight", attention.key_value_norm);
  to.linear(prefix + "kv_b_proj", attention.key_value);
  to.linear(prefix + "o_proj", attention.output);
}

void collect_ffn(Collector& to, const std::string& prefix, const GatedFfn& ffn, bool mixtral) {
  to.matrix(prefix + (mixtral ? "w1.weight" : "gate_proj.weight"), ffn.gate);
  to.matrix(prefix + (mixtral ? "w3.weight" : "up_proj.weight"), ffn.up);
  to.matrix(prefix + (mixtral ? "w2.weight" : "down_proj.weight"), ffn.down);
}

void collect_moe(Collector& to, const std::string& block, const DecoderConfig& config,
                 const DecoderMoe& moe) {
  const bool mixtral = config.model_type == "mixtral";
  const std::string prefix = block + (mixtral ? "block_sparse_moe." : "mlp.");
  to.matrix(prefix + "gate.weight", moe.router);
  if (moe.correction_bias.defined())
    to.exact_vector(prefix + "gate.e_score_correction_bias", moe.correction_bias);
  for (std::size_t e = 0; e < moe.experts.size(); ++e)
    collect_ffn(to, fmt::format("{}experts.{}.", prefix, e), moe.experts[e], mixtral);
  if (moe.shared)
    collect_ffn(to, prefix + (config.gated_shared_expert ? "shared_expert." : "shared_experts."), *moe.shared,
                false);
  if (moe.shared_gate) to.matrix(prefix + "shared_expert_gate.weight", *moe.shared_gate);
}

}  // namespace

void save_decoder(const DecoderModel& model, const nlohmann::json& fields,
                  const std::filesystem::path& folder, Dtype dtype) {
  Collector to(dtype);
  to.matrix("model.embed_tokens.weight", model.embedding);
  for (std::size_t layer = 0; layer < model.blocks.size(); ++layer) {
    const auto& block = model.blocks[layer];
    const auto prefix = fmt::format("model.layers.{}.", layer);
    to.vector(prefix + "input_layernorm.weight", block.attention_norm);
    std::visit([&](const auto& attention) { collect(to, prefix + "self_attn.", attention); },
               block.attention);
    to.vector(prefix + "post_attention_layernorm.weight", block.feed_forward_norm);
    if (const auto* moe = block.moe())
      collect_moe(to, prefix, model.config, *moe);
    else
      collect_ffn(to, prefix + "mlp.", std::get<GatedFfn>(block.feed_forward), false);
  }
  to.vector("model.norm.weight", model.norm);
  if (!model.config.tied_embeddings) to.matrix("lm_head.weight", model.head);
  std::filesystem::create_directories(folder);
  write_safetensors(folder / "model.safetensors", to.take(), {{"format", "pt"}});
  auto config = fields;
  config["torch_dtype"] = torch_name(dtype);
  write_file(folder / "config.json", dump_json(config));
}

}  // namespace espalier::infer
