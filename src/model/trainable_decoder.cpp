#include "model/trainable_decoder.h"

#include <fmt/format.h>

namespace espalier {
namespace {

using Visit = std::function<void(const std::string&, torch::Tensor&)>;

void visit_defined(const Visit& visit, const std::string& name, torch::Tensor& tensor) {
  if (tensor.defined()) visit(name, tensor);
}

void visit_linear(const Visit& visit, const std::string& name, TrainableLinear& linear) {
  visit_defined(visit, name + ".weight", linear.weight);
  visit_defined(visit, name + ".bias", linear.bias);
}

void visit_attention(const Visit& visit, const std::string& prefix, TrainableGrouped& attention) {
  visit_linear(visit, prefix + "qkv_proj", attention.qkv);
  visit_defined(visit, prefix + "q_norm.weight", attention.query_norm);
  visit_defined(visit, prefix + "k_norm.weight", attention.key_norm);
  visit_linear(visit, prefix + "o_proj", attention.output);
}

void visit_attention(const Visit& visit, const std::string& prefix, TrainableLatent& attention) {
  const bool low_rank = attention.query_down.weight.defined();
  visit_linear(visit, prefix + "q_a_proj", attention.query_down);
  visit_defined(visit, prefix + "q_a_layernorm.weight", attention.query_norm);
  visit_linear(visit, prefix + (low_rank ? "q_b_proj" : "q_proj"), attention.query);
  visit_linear(visit, prefix + "kv_a_proj_with_mqa", attention.key_value_down);
  visit(prefix + "kv_a_layernorm.weight", attention.key_value_norm);
  visit_linear(visit, prefix + "kv_b_proj", attention.key_value);
  visit_linear(visit, prefix + "o_proj", attention.output);
}

void visit_ffn(const Visit& visit, const std::string& prefix, torch::Tensor& gate_up, torch::Tensor& down) {
  visit(prefix + "gate_up_proj", gate_up);
  visit(prefix + "down_proj", down);
}

void visit_moe(const Visit& visit, const std::string& prefix, const DecoderConfig& config,
               TrainableMoe& moe) {
  visit_defined(visit, prefix + "gate.weight", moe.router);
  visit_ffn(visit, prefix + "experts.", moe.experts.gate_up, moe.experts.down);
  if (moe.shared)
    visit_ffn(visit, prefix + (config.gated_shared_expert ? "shared_expert." : "shared_experts."),
              moe.shared->gate_up, moe.shared->down);
  visit_defined(visit, prefix + "shared_expert_gate.weight", moe.shared_gate);
}

}  // namespace

void visit_parameters(TrainableDecoder& model, const Visit& visit) {
  visit("model.embed_tokens.weight", model.embedding);
  for (std::size_t layer = 0; layer < model.blocks.size(); ++layer) {
    auto& block = model.blocks[layer];
    const auto prefix = fmt::format("model.layers.{}.", layer);
    visit(prefix + "input_layernorm.weight", block.attention_norm);
    std::visit([&](auto& attention) { visit_attention(visit, prefix + "self_attn.", attention); },
               block.attention);
    visit(prefix + "post_attention_layernorm.weight", block.feed_forward_norm);
    if (auto* moe = block.moe()) {
      visit_moe(visit, prefix + (model.config.model_type == "mixtral" ? "block_sparse_moe." : "mlp."),
                model.config, *moe);
    } else {
      auto& ffn = std::get<GatedWeights>(block.feed_forward);
      visit_ffn(visit, prefix + "mlp.", ffn.gate_up, ffn.down);
    }
  }
  visit("model.norm.weight", model.norm);
  visit_defined(visit, "lm_head.weight", model.head);
}

std::int64_t parameter_count(const TrainableDecoder& model) {
  std::int64_t count = 0;
  visit_parameters(const_cast<TrainableDecoder&>(model),
                   [&](const std::string&, torch::Tensor& tensor) { count += tensor.numel(); });
  return count;
}

}  // namespace espalier
