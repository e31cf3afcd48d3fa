#include <algorithm>

#include "arch/family.h"
#include "model/trainable_decoder.h"
#include "nn/stored_tensor.h"

namespace espalier {
namespace {

/// [out, in], or [in] for a vector; undefined where there is no weight.
torch::Tensor copied(const infer::StoredWeight& weight) {
  if (!weight.defined()) return {};
  Buffer<float> buffer;
  const float* values = weight.read(buffer);
  const auto shape = weight.out() == 1 ? std::vector{weight.in()} : std::vector{weight.out(), weight.in()};
  return torch::from_blob(const_cast<float*>(values), shape).clone();
}
torch::Tensor matrix(const infer::StoredWeight& weight) {
  return copied(weight).view({weight.out(), weight.in()});
}
TrainableLinear copied(const infer::StoredLinear& linear) {
  if (!linear.weight.defined()) return {};
  return {matrix(linear.weight), copied(linear.bias)};
}

TrainableGrouped copied(const infer::GroupedAttention& a) {
  TrainableGrouped attention{
      {torch::cat({matrix(a.query.weight), matrix(a.key.weight), matrix(a.value.weight)}), {}},
      copied(a.output),
      copied(a.query_norm),
      copied(a.key_norm)};
  if (a.query.bias.defined())
    attention.qkv.bias = torch::cat({copied(a.query.bias), copied(a.key.bias), copied(a.value.bias)});
  return attention;
}

TrainableLatent copied(const infer::LatentAttentionWeights& a) {
  return {copied(a.query_down),     copied(a.query_norm), copied(a.query), copied(a.key_value_down),
          copied(a.key_value_norm), copied(a.key_value),  copied(a.output)};
}

GatedWeights copied(const infer::GatedFfn& ffn) {
  return {torch::cat({matrix(ffn.gate), matrix(ffn.up)}), matrix(ffn.down)};
}

TrainableMoe copied(const infer::DecoderMoe& moe) {
  std::vector<torch::Tensor> gate_up, down;
  for (const auto& expert : moe.experts) {
    auto weights = copied(expert);
    gate_up.push_back(std::move(weights.gate_up));
    down.push_back(std::move(weights.down));
  }
  TrainableMoe layer{matrix(moe.router), {}, {torch::stack(gate_up), torch::stack(down)}, {}, {}};
  if (moe.correction_bias.defined()) layer.correction_bias = copied(moe.correction_bias);
  if (moe.shared) layer.shared = copied(*moe.shared);
  if (moe.shared_gate) layer.shared_gate = matrix(*moe.shared_gate);
  return layer;
}

infer::StoredWeight shared(const torch::Tensor& tensor) {
  return tensor.defined() ? stored(tensor.detach()) : infer::StoredWeight{};
}
infer::StoredLinear shared(const TrainableLinear& linear) {
  return {shared(linear.weight), shared(linear.bias)};
}
/// Rows of a fused layer.
infer::StoredLinear shared_rows(const TrainableLinear& linear, std::int64_t first, std::int64_t count) {
  infer::StoredLinear part{shared(linear.weight).rows(first, count), {}};
  if (linear.bias.defined()) part.bias = shared(linear.bias.narrow(0, first, count));
  return part;
}

infer::GroupedAttention shared(const TrainableGrouped& a, const DecoderConfig& c) {
  const auto d = c.head_width, H = c.heads, G = c.key_value_heads;
  return {shared_rows(a.qkv, 0, H * d),
          shared_rows(a.qkv, H * d, G * d),
          shared_rows(a.qkv, (H + G) * d, G * d),
          shared(a.output),
          shared(a.query_norm),
          shared(a.key_norm)};
}

infer::LatentAttentionWeights shared(const TrainableLatent& a, const DecoderConfig&) {
  return {shared(a.query_down),     shared(a.query_norm), shared(a.query), shared(a.key_value_down),
          shared(a.key_value_norm), shared(a.key_value),  shared(a.output)};
}

infer::GatedFfn shared_ffn(const torch::Tensor& gate_up, const torch::Tensor& down) {
  const auto F = down.size(1);
  const auto both = shared(gate_up);
  return {both.rows(0, F), both.rows(F, F), shared(down)};
}

infer::DecoderMoe shared(const TrainableMoe& moe) {
  infer::DecoderMoe layer;
  // The softmax over one expert is 1 whatever its row.
  layer.router =
      moe.router.defined() ? shared(moe.router) : stored(torch::zeros({1, moe.experts.down.size(1)}));
  layer.correction_bias = shared(moe.correction_bias);
  for (std::int64_t e = 0; e < moe.experts.count(); ++e)
    layer.experts.push_back(shared_ffn(moe.experts.gate_up[e], moe.experts.down[e]));
  if (moe.shared) layer.shared = shared_ffn(moe.shared->gate_up, moe.shared->down);
  if (moe.shared_gate.defined()) layer.shared_gate = shared(moe.shared_gate);
  return layer;
}

}  // namespace

TrainableDecoder trainable(const infer::DecoderModel& model) {
  TrainableDecoder copy;
  copy.config = model.config;
  if (model.source) copy.fields = model.source->config();
  copy.embedding = matrix(model.embedding);
  for (const auto& from : model.blocks) {
    TrainableBlock block;
    block.attention_norm = copied(from.attention_norm);
    std::visit([&](const auto& attention) { block.attention = copied(attention); }, from.attention);
    block.feed_forward_norm = copied(from.feed_forward_norm);
    std::visit([&](const auto& layer) { block.feed_forward = copied(layer); }, from.feed_forward);
    copy.blocks.push_back(std::move(block));
  }
  copy.norm = copied(model.norm);
  if (!model.config.tied_embeddings) copy.head = matrix(model.head);
  return copy;
}

infer::DecoderModel decoder_of(const TrainableDecoder& model) {
  const torch::NoGradGuard no_grad;
  infer::DecoderModel view;
  view.config = model.config;
  for (const auto E : model.config.experts)
    if (E > 0) view.config.router.experts_per_token = std::min(view.config.router.experts_per_token, E);
  view.embedding = shared(model.embedding);
  for (const auto& from : model.blocks) {
    infer::DecoderBlock block;
    block.attention_norm = shared(from.attention_norm);
    std::visit([&](const auto& attention) { block.attention = shared(attention, model.config); },
               from.attention);
    block.feed_forward_norm = shared(from.feed_forward_norm);
    if (const auto* moe = from.moe()) {
      block.feed_forward = shared(*moe);
    } else {
      const auto& ffn = std::get<GatedWeights>(from.feed_forward);
      block.feed_forward = shared_ffn(ffn.gate_up, ffn.down);
    }
    view.blocks.push_back(std::move(block));
  }
  view.norm = shared(model.norm);
  view.head = model.head.defined() ? shared(model.head) : view.embedding;
  return view;
}

nlohmann::json fields_of(const TrainableDecoder& model) {
  arch::ModelSpec spec = arch::read_spec(model.fields, "config.json");
  const auto& now = model.config;
  std::int64_t least = now.router.experts_per_token;
  for (const auto E : now.experts)
    if (E > 0) least = std::min(least, E);
  for (std::size_t layer = 0; layer < spec.blocks.size(); ++layer) {
    auto* moe = spec.blocks[layer].moe();
    if (moe == nullptr) continue;
    moe->experts = now.experts[layer];
    moe->router.rule.experts_per_token = least;
  }
  return arch::write_spec(spec, model.fields);
}

}  // namespace espalier
