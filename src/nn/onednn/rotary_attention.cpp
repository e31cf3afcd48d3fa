#include <torch/autograd.h>

#include <algorithm>
#include <vector>

#include "kernels/simd/kernels.h"
#include "nn/onednn/decoder_functions.h"
#include "nn/onednn/functions.h"
#include "nn/onednn/gemm.h"

namespace espalier::onednn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

constexpr std::int64_t kQueries =
    128;  // of a block: its scores stay in the cache, and half of them is needed

/// Queries of one head of one sequence, the keys that any of them sees, and its block of probabilities.
struct Block {
  std::int64_t token, rows;    // first query, in the batch
  std::int64_t key, keys;      // first key, in the batch
  std::int64_t head;           // of the queries
  std::int64_t probabilities;  // first element of its block [rows, keys]
};

/// The blocks that share keys and values - a sequence and one of G heads - one after another, so that one
/// thread adds up their gradients. `ends` are the groups' ends.
struct Blocks {
  std::vector<Block> blocks;
  std::vector<std::size_t> ends;
  std::int64_t elements = 0;
};

Blocks blocks_of(const SequenceLayout& layout, const CausalHeads& h) {
  Blocks all;
  const auto shared = h.heads / h.key_value_heads;
  for (std::int64_t b = 0; b < layout.sequences(); ++b)
    for (std::int64_t g = 0; g < h.key_value_heads; ++g) {
      for (auto head = g * shared; head < (g + 1) * shared; ++head)
        for (std::int64_t first = 0; first < layout.length(b); first += kQueries) {
          const auto rows = std::min(kQueries, layout.length(b) - first);
          const auto key = h.window > 0 ? std::max<std::int64_t>(0, first + 1 - h.window) : 0;
          const auto keys = first + rows - key, begin = layout.begin(b);
          all.blocks.push_back({begin + first, rows, begin + key, keys, head, all.elements});
          all.elements += rows * keys;
        }
      all.ends.push_back(all.blocks.size());
    }
  return all;
}

/// Groups go to threads; inside a parallel region every product runs on one. body(block, whether the group
/// begins).
template <typename Body>
void for_each_block(const Blocks& all, Body body) {
#pragma omp parallel for schedule(dynamic, 1)
  for (std::size_t group = 0; group < all.ends.size(); ++group) {
    const auto begin = group == 0 ? 0 : all.ends[group - 1];
    for (auto i = begin; i < all.ends[group]; ++i) body(all.blocks[i]);
  }
}

/// Rotates queries and keys in place; with the sines negated, back.
void turn(float* qkv, const SequenceLayout& layout, const CausalHeads& h, const torch::Tensor& cosine,
          const torch::Tensor& sine) {
  const auto row = h.row(), width = h.key_width - h.turned_from;
  for (std::int64_t b = 0; b < layout.sequences(); ++b)
    simd::kernels().rope({.x = qkv + layout.begin(b) * row + h.turned_from,
                          .cosine = cosine.data_ptr<float>(),
                          .sine = sine.data_ptr<float>(),
                          .n = layout.length(b),
                          .stride = row,
                          .heads = h.heads + h.key_value_heads,
                          .head_stride = h.key_width,
                          .width = width,
                          .pairs = h.interleaved ? simd::RopePairs::kNeighbours : simd::RopePairs::kHalves});
}

struct HeadPointers {
  std::int64_t query, key, value, out;  // columns
};
HeadPointers columns(const CausalHeads& h, std::int64_t head) {
  const auto shared = head / (h.heads / h.key_value_heads);
  return {head * h.key_width, h.keys_at() + shared * h.key_width, h.values_at() + shared * h.value_width,
          head * h.value_width};
}

/// Kept for backward beside tensors.
void remember(AutogradContext* context, const SequenceLayout& layout, const CausalHeads& h) {
  context->saved_data["offsets"] = layout.offsets;
  context->saved_data["heads"] = std::vector<std::int64_t>{
      h.heads, h.key_value_heads, h.key_width, h.value_width, h.turned_from, h.interleaved ? 1 : 0, h.window};
  context->saved_data["scale"] = static_cast<double>(h.scale);
}
CausalHeads remembered_heads(AutogradContext* context) {
  const auto h = context->saved_data["heads"].toIntVector();
  return {h[0], h[1],      h[2], h[3],
          h[4], h[5] != 0, h[6], static_cast<float>(context->saved_data["scale"].toDouble())};
}

struct CausalAttentionFunction : torch::autograd::Function<CausalAttentionFunction> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& qkv,
                               const SequenceLayout& layout, const CausalHeads& h, const RopeTable& rope) {
    const auto N = qkv.size(0), row = h.row(), width = h.heads * h.value_width;
    auto turned = qkv.clone();
    turn(turned.data_ptr<float>(), layout, h, rope.cosine, rope.sine);
    const auto all = blocks_of(layout, h);
    auto probabilities = torch::empty({all.elements}, qkv.options());
    auto y = torch::empty({N, width}, qkv.options());
    const float* in = turned.data_ptr<float>();
    float *out = y.data_ptr<float>(), *p_all = probabilities.data_ptr<float>();
    for_each_block(all, [&](const Block& b) {
      const auto at = columns(h, b.head);
      float* p = p_all + b.probabilities;
      gemm(b.rows, b.keys, h.key_width, {in + b.token * row + at.query, row},
           {in + b.key * row + at.key, row, true}, 0, p, b.keys);
      simd::kernels().causal_softmax({.scores = p,
                                      .rows = b.rows,
                                      .keys = b.keys,
                                      .first = b.token - b.key,
                                      .window = h.window,
                                      .scale = h.scale});
      gemm(b.rows, h.value_width, b.keys, {p, b.keys}, {in + b.key * row + at.value, row}, 0,
           out + b.token * width + at.out, width);
    });
    context->save_for_backward({turned, probabilities, rope.cosine, rope.sine});
    remember(context, layout, h);
    return y;
  }

  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto& turned = saved[0];
    const SequenceLayout layout{context->saved_data["offsets"].toIntVector()};
    const auto h = remembered_heads(context);
    const auto dy = gradients[0].contiguous();
    const auto row = h.row(), width = h.heads * h.value_width;
    auto dqkv = torch::zeros_like(turned);
    const float *in = turned.data_ptr<float>(), *p_all = saved[1].data_ptr<float>(),
                *dout = dy.data_ptr<float>();
    float* din = dqkv.data_ptr<float>();
    for_each_block(blocks_of(layout, h), [&](const Block& b) {
      const auto at = columns(h, b.head);
      const float *p = p_all + b.probabilities, *d_out = dout + b.token * width + at.out;
      std::vector<float> ds(static_cast<std::size_t>(b.rows * b.keys));
      gemm(b.keys, h.value_width, b.rows, {p, b.keys, true}, {d_out, width}, 1, din + b.key * row + at.value,
           row);
      gemm(b.rows, b.keys, h.value_width, {d_out, width}, {in + b.key * row + at.value, row, true}, 0,
           ds.data(), b.keys);
      // Keys that a query does not see have probability 0, and so no gradient.
      simd::kernels().attention_softmax_backward(
          {.p = p, .gradient = ds.data(), .batch = 1, .rows = b.rows, .keys = b.keys, .scale = h.scale});
      gemm(b.rows, h.key_width, b.keys, {ds.data(), b.keys}, {in + b.key * row + at.key, row}, 0,
           din + b.token * row + at.query, row);
      gemm(b.keys, h.key_width, b.rows, {ds.data(), b.keys, true}, {in + b.token * row + at.query, row}, 1,
           din + b.key * row + at.key, row);
    });
    turn(din, layout, h, saved[2], -saved[3]);
    return {dqkv, {}, {}, {}};
  }
};

}  // namespace

torch::Tensor causal_attention(const torch::Tensor& qkv, const SequenceLayout& layout, const CausalHeads& h,
                               const RopeTable& rope) {
  return CausalAttentionFunction::apply(checked(qkv, "attention's input"), layout, h, rope);
}

}  // namespace espalier::onednn
