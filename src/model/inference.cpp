#include "model/inference.h"

#include <utility>

#include "nn/stored_tensor.h"

namespace espalier {
namespace {

infer::StoredLinear shared(const Linear& linear) {
  return {stored(linear.weight), stored(linear.bias)};
}
infer::StoredNorm shared(const LayerNorm& norm) {
  return {stored(norm.weight), stored(norm.bias)};
}

/// Rows of a fused layer.
infer::StoredLinear shared_rows(const Linear& linear, std::int64_t first, std::int64_t count) {
  return {stored(linear.weight.narrow(0, first, count)), stored(linear.bias.narrow(0, first, count))};
}

infer::PlainFfn shared(const FfnWeights& ffn) {
  return {{stored(ffn.up), stored(ffn.up_bias)}, {stored(ffn.down), stored(ffn.down_bias)}};
}

infer::EncoderMoe shared(const MoeLayer& layer) {
  infer::EncoderMoe moe;
  moe.router = stored(layer.router);
  moe.expert_of_row = layer.expert_of_row;
  if (layer.novices.defined()) moe.novices = stored(layer.novices);
  const auto& w = layer.experts;
  for (std::int64_t e = 0; e < w.count(); ++e)
    moe.experts.push_back(shared(FfnWeights{w.up[e], w.up_bias[e], w.down[e], w.down_bias[e]}));
  return moe;
}

template <typename Block>
infer::EncoderBlock shared_block(const Block& from, const LayerNorm& feed_forward_norm) {
  const auto D = from.attention_output.weight.size(0);
  infer::EncoderBlock block;
  block.attention_norm = shared(from.attention_norm);
  block.query = shared_rows(from.qkv, 0, D);
  block.key = shared_rows(from.qkv, D, D);
  block.value = shared_rows(from.qkv, 2 * D, D);
  block.output = shared(from.attention_output);
  block.feed_forward_norm = shared(feed_forward_norm);
  std::visit([&](const auto& layer) { block.feed_forward = shared(layer); }, from.feed_forward);
  return block;
}

}  // namespace

infer::EncoderModel encoder_of(const BertModel& model) {
  infer::EncoderModel view;
  view.config = model.config;
  view.word = stored(model.embeddings.word);
  view.position = stored(model.embeddings.position);
  view.token_type = stored(model.embeddings.token_type);
  view.embedding_norm = shared(model.embeddings.norm);
  for (const BertBlock& block : model.blocks) view.blocks.push_back(shared_block(block, block.output_norm));
  if (model.pooler) view.pooler = shared(*model.pooler);
  if (model.mlm_head)
    view.masked_words = {shared(model.mlm_head->transform), shared(model.mlm_head->norm),
                         stored(model.mlm_head->bias)};
  if (model.classifier) view.classifier = shared(*model.classifier);
  return view;
}

infer::VisionModel vision_of(const VmoeModel& model) {
  infer::VisionModel view;
  view.config = model.config;
  view.patch = shared(model.patch);
  view.class_token = stored(model.class_token);
  view.position = stored(model.position);
  for (const VmoeBlock& block : model.blocks)
    view.blocks.push_back(shared_block(block, block.feed_forward_norm));
  view.norm = shared(model.norm);
  view.classifier = shared(model.classifier);
  return view;
}

}  // namespace espalier
