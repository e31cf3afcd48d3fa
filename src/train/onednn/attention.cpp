#include <torch/autograd.h>

#include <algorithm>
#include <vector>

#include "kernels/simd/kernels.h"
#include "train/onednn/attention_blocks.h"
#include "train/onednn/functions.h"
#include "train/onednn/gemm.h"

namespace espalier::onednn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

simd::DropoutKey key_of(const Dropout& dropout, const AttentionBlock& b) {
  if (dropout.probability <= 0) return {};
  const auto own = attention_block(dropout, b.sequence_and_head, b.chunk);
  return {own.key, static_cast<float>(own.probability)};
}

/// Scores p [rows, keys] become probabilities; returns what the values are multiplied with: p, or `dropped`.
const float* softmax(const AttentionHeads& h, const AttentionBlock& b, const Dropout& dropout, float* p,
                     float* dropped) {
  const auto key = key_of(dropout, b);
  if (!h.causal) {
    simd::kernels().attention_softmax({.scores = p,
                                       .dropped = dropped,
                                       .batch = 1,
                                       .rows = b.rows,
                                       .keys = b.keys,
                                       .scale = static_cast<float>(h.scale),
                                       .dropout = key});
    return key.p > 0 ? dropped : p;
  }
  simd::kernels().causal_softmax({.scores = p,
                                  .rows = b.rows,
                                  .keys = b.keys,
                                  .first = b.token - b.key,
                                  .window = h.window,
                                  .scale = static_cast<float>(h.scale)});
  if (key.p <= 0) return p;
  simd::kernels().dropout(p, dropped, b.rows * b.keys, key);
  return dropped;
}

/// Rotates queries and keys in place; with the sines negated, back.
void turn(float* qkv, const SequenceLayout& layout, const AttentionHeads& h, const torch::Tensor& cosine,
          const torch::Tensor& sine) {
  const auto row = h.row();
  for (std::int64_t b = 0; b < layout.sequences(); ++b)
    simd::kernels().rope({.x = qkv + layout.begin(b) * row + h.turned_from,
                          .cosine = cosine.data_ptr<float>(),
                          .sine = sine.data_ptr<float>(),
                          .n = layout.length(b),
                          .stride = row,
                          .heads = h.heads + h.key_value_heads,
                          .head_stride = h.key_width,
                          .width = 2 * cosine.size(1),
                          .pairs = h.interleaved ? simd::RopePairs::kNeighbours : simd::RopePairs::kHalves});
}

/// Kept for backward beside tensors.
void remember(AutogradContext* context, const SequenceLayout& layout, const AttentionHeads& h,
              const Dropout& dropout) {
  context->saved_data["offsets"] = layout.offsets;
  context->saved_data["heads"] =
      std::vector<std::int64_t>{h.heads,          h.key_value_heads, h.key_width,   h.value_width,
                                h.causal ? 1 : 0, h.window,          h.turned_from, h.interleaved ? 1 : 0};
  context->saved_data["scale"] = h.scale;
  context->saved_data["probability"] = dropout.probability;
  context->saved_data["key"] = static_cast<std::int64_t>(dropout.key);
}
AttentionHeads remembered_heads(AutogradContext* context) {
  const auto h = context->saved_data["heads"].toIntVector();
  return {h[0], h[1], h[2], h[3], h[4] != 0, h[5], context->saved_data["scale"].toDouble(), h[6], h[7] != 0};
}
Dropout remembered_dropout(AutogradContext* context) {
  return {context->saved_data["probability"].toDouble(),
          static_cast<std::uint64_t>(context->saved_data["key"].toInt())};
}

struct AttentionFunction : torch::autograd::Function<AttentionFunction> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& qkv,
                               const SequenceLayout& layout, const AttentionHeads& h, const RopeTable& rope,
                               const Dropout& dropout) {
    const auto N = qkv.size(0), row = h.row(), width = h.heads * h.value_width;
    const bool turns = rope.cosine.defined();
    auto in_place = turns ? qkv.clone() : qkv;
    if (turns) turn(in_place.data_ptr<float>(), layout, h, rope.cosine, rope.sine);
    const auto all = attention_blocks(layout, h);
    auto probabilities = torch::empty({all.elements}, qkv.options());
    auto y = torch::empty({N, width}, qkv.options());
    const float* in = in_place.data_ptr<float>();
    float *out = y.data_ptr<float>(), *p_all = probabilities.data_ptr<float>();
    for_each_block(all, dropout.probability > 0 ? 1 : 0,
                   [&](const AttentionBlock& b, float* dropped, float*) {
                     const auto at = columns(h, b.head);
                     float* p = p_all + b.probabilities;
                     gemm(b.rows, b.keys, h.key_width, {in + b.token * row + at.query, row},
                          {in + b.key * row + at.key, row, true}, 0, p, b.keys);
                     const float* weights = softmax(h, b, dropout, p, dropped);
                     gemm(b.rows, h.value_width, b.keys, {weights, b.keys},
                          {in + b.key * row + at.value, row}, 0, out + b.token * width + at.out, width);
                   });
    context->save_for_backward({in_place, probabilities, rope.cosine, rope.sine});
    remember(context, layout, h, dropout);
    return y;
  }

  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto saved = context->get_saved_variables();
    const SequenceLayout layout{context->saved_data["offsets"].toIntVector()};
    const auto h = remembered_heads(context);
    const auto dropout = remembered_dropout(context);
    const auto dy = gradients[0].contiguous();
    const auto row = h.row(), width = h.heads * h.value_width;
    const auto all = attention_blocks(layout, h);
    // A group of one block sets the gradients of its keys and values, others add to them.
    auto dqkv = all.single ? torch::empty_like(saved[0]) : torch::zeros_like(saved[0]);
    const float beta = all.single ? 0 : 1;
    const float *in = saved[0].data_ptr<float>(), *p_all = saved[1].data_ptr<float>(),
                *dout = dy.data_ptr<float>();
    float* din = dqkv.data_ptr<float>();
    for_each_block(all, 2, [&](const AttentionBlock& b, float* dropped, float* ds) {
      const auto& kernels = simd::kernels();
      const auto at = columns(h, b.head);
      const auto key = key_of(dropout, b);
      const float *p = p_all + b.probabilities, *d_out = dout + b.token * width + at.out;
      if (key.p > 0) kernels.dropout(p, dropped, b.rows * b.keys, key);
      gemm(b.keys, h.value_width, b.rows, {key.p > 0 ? dropped : p, b.keys, true}, {d_out, width}, beta,
           din + b.key * row + at.value, row);
      gemm(b.rows, b.keys, h.value_width, {d_out, width}, {in + b.key * row + at.value, row, true}, 0, ds,
           b.keys);
      // Keys that a query does not see have probability 0, and so no gradient.
      kernels.attention_softmax_backward({.p = p,
                                          .gradient = ds,
                                          .batch = 1,
                                          .rows = b.rows,
                                          .keys = b.keys,
                                          .scale = static_cast<float>(h.scale),
                                          .dropout = key});
      gemm(b.rows, h.key_width, b.keys, {ds, b.keys}, {in + b.key * row + at.key, row}, 0,
           din + b.token * row + at.query, row);
      gemm(b.keys, h.key_width, b.rows, {ds, b.keys, true}, {in + b.token * row + at.query, row}, beta,
           din + b.key * row + at.key, row);
    });
    if (saved[2].defined()) turn(din, layout, h, saved[2], -saved[3]);
    return {dqkv, {}, {}, {}, {}};
  }
};

}  // namespace

torch::Tensor attention(const torch::Tensor& qkv, const SequenceLayout& layout, const AttentionHeads& heads,
                        const RopeTable& rope, const Dropout& dropout) {
  return AttentionFunction::apply(checked(qkv, "attention's input"), layout, heads, rope, dropout);
}

}  // namespace espalier::onednn
