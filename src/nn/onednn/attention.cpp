
#include <torch/autograd.h>

#include <cmath>
#include <vector>

#include "kernels/simd/kernels.h"
#include "nn/onednn/functions.h"
#include "nn/onednn/gemm.h"

namespace espalier::onednn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

/// One sequence and head: t tokens, heads of width w inside rows of 3D floats, and its [t, t] block of
/// probabilities.
struct Block {
  std::int64_t index;          // b * H + h, names the dropout
  std::int64_t token, t;       // first token, tokens
  std::int64_t probabilities;  // first element of its block
  std::int64_t column;         // first column of the head inside D
};

std::vector<Block> blocks_of(const SequenceLayout& layout, std::int64_t heads, std::int64_t head_width) {
  std::vector<Block> blocks;
  std::int64_t first = 0;
  for (std::int64_t b = 0; b < layout.sequences(); ++b)
    for (std::int64_t h = 0; h < heads; ++h) {
      const auto t = layout.length(b);
      blocks.push_back({b * heads + h, layout.begin(b), t, first, h * head_width});
      first += t * t;
    }
  return blocks;
}

simd::DropoutKey key_of(const Dropout& dropout, std::int64_t block) {
  if (dropout.probability <= 0) return {};
  const auto own = attention_block(dropout, block);
  return {own.key, static_cast<float>(own.probability)};
}

/// Whole blocks go to threads; inside a parallel region every product runs on one.
template <typename Body>
void for_each_block(const std::vector<Block>& blocks, std::int64_t longest, Body body) {
#pragma omp parallel
  {
    std::vector<float> first(static_cast<std::size_t>(longest * longest)), second(first.size());
#pragma omp for schedule(dynamic, 1)
    for (std::size_t i = 0; i < blocks.size(); ++i) body(blocks[i], first.data(), second.data());
  }
}

struct AttentionFunction : torch::autograd::Function<AttentionFunction> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& qkv,
                               const SequenceLayout& layout, std::int64_t heads, const Dropout& dropout) {
    const auto N = qkv.size(0), D = qkv.size(1) / 3, width = D / heads, row = 3 * D;
    const auto scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(width)));
    const auto blocks = blocks_of(layout, heads, width);
    const auto total = blocks.empty() ? 0 : blocks.back().probabilities + blocks.back().t * blocks.back().t;
    auto probabilities = torch::empty({total}, qkv.options());
    auto y = torch::empty({N, D}, qkv.options());
    const float* in = qkv.data_ptr<float>();
    float* out = y.data_ptr<float>();
    float* p_all = probabilities.data_ptr<float>();
    for_each_block(blocks, layout.longest(), [&](const Block& b, float* dropped, float*) {
      const float* q = in + b.token * row + b.column;
      float* p = p_all + b.probabilities;
      gemm(b.t, b.t, width, {q, row}, {q + D, row, true}, 0, p, b.t);
      const auto key = key_of(dropout, b.index);
      simd::kernels().attention_softmax({.scores = p,
                                         .dropped = dropped,
                                         .batch = 1,
                                         .rows = b.t,
                                         .keys = b.t,
                                         .scale = scale,
                                         .dropout = key});
      gemm(b.t, width, b.t, {key.p > 0 ? dropped : p, b.t}, {q + 2 * D, row}, 0, out + b.token * D + b.column,
           D);
    });
    context->save_for_backward({qkv, probabilities});
    context->saved_data["offsets"] = layout.offsets;
    context->saved_data["heads"] = heads;
    context->saved_data["probability"] = dropout.probability;
    context->saved_data["key"] = static_cast<std::int64_t>(dropout.key);
    return y;
  }

  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto& qkv = saved[0];
    const auto dy = gradients[0].contiguous();
    const SequenceLayout layout{context->saved_data["offsets"].toIntVector()};
    const auto heads = context->saved_data["heads"].toInt();
    const Dropout dropout{context->saved_data["probability"].toDouble(),
                          static_cast<std::uint64_t>(context->saved_data["key"].toInt())};
    const auto D = qkv.size(1) / 3, width = D / heads, row = 3 * D;
    const auto scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(width)));
    auto dqkv = torch::empty_like(qkv);
    const float* in = qkv.data_ptr<float>();
    const float* p_all = saved[1].data_ptr<float>();
    const float* out_gradient = dy.data_ptr<float>();
    float* in_gradient = dqkv.data_ptr<float>();
    for_each_block(
        blocks_of(layout, heads, width), layout.longest(), [&](const Block& b, float* dropped, float* ds) {
          const auto& kernels = simd::kernels();
          const float* q = in + b.token * row + b.column;
          const float* p = p_all + b.probabilities;
          const float* d_out = out_gradient + b.token * D + b.column;
          float* dq = in_gradient + b.token * row + b.column;
          const auto key = key_of(dropout, b.index);
          if (key.p > 0) kernels.dropout(p, dropped, b.t * b.t, key);
          gemm(b.t, width, b.t, {key.p > 0 ? dropped : p, b.t, true}, {d_out, D}, 0, dq + 2 * D, row);
          gemm(b.t, b.t, width, {d_out, D}, {q + 2 * D, row, true}, 0, ds, b.t);
          kernels.attention_softmax_backward(
              {.p = p, .gradient = ds, .batch = 1, .rows = b.t, .keys = b.t, .scale = scale, .dropout = key});
          gemm(b.t, width, b.t, {ds, b.t}, {q + D, row}, 0, dq, row);
          gemm(b.t, width, b.t, {ds, b.t, true}, {q, row}, 0, dq + D, row);
        });
    return {dqkv, {}, {}, {}};
  }
};

}  // namespace

torch::Tensor attention(const torch::Tensor& qkv, const SequenceLayout& layout, std::int64_t heads,
                        const Dropout& dropout) {
  return AttentionFunction::apply(checked(qkv, "attention's input"), layout, heads, dropout);
}

}  // namespace espalier::onednn
