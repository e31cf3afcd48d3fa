
#include <torch/autograd.h>

#include <algorithm>

#include "kernels/simd/kernels.h"
#include "nn/onednn/functions.h"

namespace espalier::onednn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

struct EmbedFunction : torch::autograd::Function<EmbedFunction> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& word,
                               const torch::Tensor& position, const torch::Tensor& type,
                               const torch::Tensor& ids, const torch::Tensor& positions,
                               const torch::Tensor& types) {
    const auto N = ids.numel(), D = word.size(1);
    auto out = torch::empty({N, D}, word.options());
    simd::kernels().embedding_forward({.word = word.data_ptr<float>(),
                                       .position = position.data_ptr<float>(),
                                       .type = type.data_ptr<float>(),
                                       .ids = {.wide = ids.data_ptr<std::int64_t>()},
                                       .positions = {.wide = positions.data_ptr<std::int64_t>()},
                                       .types = {.wide = types.data_ptr<std::int64_t>()},
                                       .out = out.data_ptr<float>(),
                                       .n = N,
                                       .length = N,
                                       .d = D});
    context->save_for_backward({word, position, type, ids, positions, types});
    return out;
  }

  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto s = context->get_saved_variables();
    const auto dout = gradients[0].contiguous();
    auto dword = torch::zeros_like(s[0]), dposition = torch::zeros_like(s[1]),
         dtype = torch::zeros_like(s[2]);
    simd::kernels().embedding_backward({.dout = dout.data_ptr<float>(),
                                        .dword = dword.data_ptr<float>(),
                                        .dposition = dposition.data_ptr<float>(),
                                        .dtype = dtype.data_ptr<float>(),
                                        .ids = {.wide = s[3].data_ptr<std::int64_t>()},
                                        .positions = {.wide = s[4].data_ptr<std::int64_t>()},
                                        .types = {.wide = s[5].data_ptr<std::int64_t>()},
                                        .n = s[3].numel(),
                                        .length = s[3].numel(),
                                        .d = s[0].size(1)});
    return {dword, dposition, dtype, {}, {}, {}};
  }
};

struct CrossEntropyFunction : torch::autograd::Function<CrossEntropyFunction> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& logits,
                               const torch::Tensor& targets) {
    const auto M = logits.size(0);
    const auto rows = std::max<std::int64_t>(1, M);
    auto dlogits = torch::empty_like(logits);
    const double sum = simd::kernels().cross_entropy({.logits = logits.data_ptr<float>(),
                                                      .targets = {.wide = targets.data_ptr<std::int64_t>()},
                                                      .dlogits = dlogits.data_ptr<float>(),
                                                      .m = M,
                                                      .vocabulary = logits.size(1),
                                                      .scale = 1.0F / static_cast<float>(rows)});
    context->save_for_backward({dlogits});
    return torch::tensor(sum / static_cast<double>(rows), logits.options());
  }

  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    auto dlogits = context->get_saved_variables()[0];
    if (gradients[0].item<float>() == 1.0F) return {dlogits, {}};
    return {dlogits * gradients[0], {}};
  }
};

}  // namespace

torch::Tensor embed(const EmbeddingTables& tables, const torch::Tensor& ids, const torch::Tensor& positions,
                    const torch::Tensor& types) {
  return EmbedFunction::apply(checked(tables.word, "the word embeddings"),
                              checked(tables.position, "the position embeddings"),
                              checked(tables.type, "the token type embeddings"), ids.contiguous(),
                              positions.contiguous(), types.contiguous());
}

torch::Tensor cross_entropy(const torch::Tensor& logits, const torch::Tensor& targets) {
  return CrossEntropyFunction::apply(checked(logits, "the logits"), targets.contiguous());
}

}  // namespace espalier::onednn
