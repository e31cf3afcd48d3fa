#include "train/inference.h"

#include "train/moe_layer.h"
#include "train/ops/stored_tensor.h"

namespace espalier::train {
namespace {

infer::StoredLinear shared(const Linear& linear) {
  return {stored(linear.weight), stored(linear.bias)};
}
infer::StoredNorm shared(const NormWeights& norm) {
  return {stored(norm.weight), stored(norm.bias)};
}

/// Rows of a fused layer.
infer::StoredLinear shared_rows(const Linear& linear, std::int64_t first, std::int64_t count) {
  return {stored(linear.weight.narrow(0, first, count)), stored(linear.bias.narrow(0, first, count))};
}

infer::PlainFfn shared(const FeedForwardWeights& ffn) {
  return {{stored(ffn.up), stored(ffn.up_bias)}, {stored(ffn.down), stored(ffn.down_bias)}};
}

infer::EncoderMoe shared(const MoeWeights& weights, const arch::Router& router) {
  infer::EncoderMoe moe;
  // The softmax over one expert is 1 whatever its row.
  moe.router = weights.router.defined() ? stored(weights.router)
                                        : stored(torch::zeros({1, weights.experts.down.size(1)}));
  moe.expert_of_row = expert_of_row(router);
  if (weights.novices.defined()) moe.novices = stored(weights.novices);
  for (std::int64_t e = 0; e < weights.experts.count(); ++e)
    moe.experts.push_back(shared(weights.experts.expert(e)));
  return moe;
}

infer::EncoderBlock shared(const Block& from, const arch::BlockSpec& spec) {
  const auto& attention = std::get<GroupedWeights>(from.mixer);
  const auto D = attention.output.weight.size(0);
  infer::EncoderBlock block;
  block.attention_norm = shared(from.mixer_norm);
  block.query = shared_rows(attention.qkv, 0, D);
  block.key = shared_rows(attention.qkv, D, D);
  block.value = shared_rows(attention.qkv, 2 * D, D);
  block.output = shared(attention.output);
  block.feed_forward_norm = shared(from.feed_forward_norm);
  if (const auto* moe = from.moe())
    block.feed_forward = shared(*moe, spec.moe()->router);
  else
    block.feed_forward = shared(std::get<FeedForwardWeights>(from.feed_forward));
  return block;
}

template <typename View>
void share_blocks(const Transformer& model, View& view) {
  for (std::size_t l = 0; l < model.blocks.size(); ++l)
    view.blocks.push_back(shared(model.blocks[l], model.spec.blocks[l]));
}

}  // namespace

infer::EncoderModel encoder_of(const Transformer& model) {
  infer::EncoderModel view;
  view.spec = model.spec;
  view.word = stored(model.token);
  view.position = stored(model.position);
  view.token_type = stored(model.token_type);
  view.embedding_norm = shared(model.embedding_norm);
  share_blocks(model, view);
  if (model.pooler.weight.defined()) view.pooler = shared(model.pooler);
  if (model.masked_bias.defined())
    view.masked_words = {shared(model.masked_transform), shared(model.masked_norm),
                         stored(model.masked_bias)};
  if (model.classifier.weight.defined()) view.classifier = shared(model.classifier);
  return view;
}

infer::VisionModel vision_of(const Transformer& model) {
  infer::VisionModel view;
  view.spec = model.spec;
  view.patch = shared(model.patch);
  view.class_token = stored(model.class_token);
  view.position = stored(model.position);
  share_blocks(model, view);
  view.norm = shared(model.final_norm);
  view.classifier = shared(model.classifier);
  return view;
}

}  // namespace espalier::train
