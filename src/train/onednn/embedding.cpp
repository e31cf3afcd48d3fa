
#include <torch/autograd.h>

#include <algorithm>

#include "kernels/simd/kernels.h"
#include "train/onednn/functions.h"

namespace espalier::onednn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

using MaybeTensor = c10::optional<torch::Tensor>;

const float* values(const torch::Tensor& tensor) {
  return tensor.defined() ? tensor.data_ptr<float>() : nullptr;
}
simd::Ids ids_of(const torch::Tensor& ids) {
  return {.wide = ids.defined() ? ids.data_ptr<std::int64_t>() : nullptr};
}

struct EmbedFunction : torch::autograd::Function<EmbedFunction> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& word,
                               const MaybeTensor& position, const MaybeTensor& type, const torch::Tensor& ids,
                               const MaybeTensor& positions, const MaybeTensor& types) {
    const auto N = ids.numel(), D = word.size(1);
    auto out = torch::empty({N, D}, word.options());
    const tensor_list saved{word, position.value_or(torch::Tensor()),  type.value_or(torch::Tensor()),
                            ids,  positions.value_or(torch::Tensor()), types.value_or(torch::Tensor())};
    simd::kernels().embedding_forward({.word = values(saved[0]),
                                       .position = values(saved[1]),
                                       .type = values(saved[2]),
                                       .ids = ids_of(saved[3]),
                                       .positions = ids_of(saved[4]),
                                       .types = ids_of(saved[5]),
                                       .out = out.data_ptr<float>(),
                                       .n = N,
                                       .length = N,
                                       .d = D});
    context->save_for_backward(saved);
    return out;
  }

  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto s = context->get_saved_variables();
    const auto dout = gradients[0].contiguous();
    const auto like = [](const torch::Tensor& table) {
      return table.defined() ? torch::zeros_like(table) : table;
    };
    auto dword = like(s[0]), dposition = like(s[1]), dtype = like(s[2]);
    const auto to = [](torch::Tensor& table) { return table.defined() ? table.data_ptr<float>() : nullptr; };
    simd::kernels().embedding_backward({.dout = dout.data_ptr<float>(),
                                        .dword = to(dword),
                                        .dposition = to(dposition),
                                        .dtype = to(dtype),
                                        .ids = ids_of(s[3]),
                                        .positions = ids_of(s[4]),
                                        .types = ids_of(s[5]),
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
  const auto in_order = [](const torch::Tensor& numbers) {
    return numbers.defined() ? c10::make_optional(numbers.contiguous()) : c10::nullopt;
  };
  return EmbedFunction::apply(checked(tables.word, "the word embeddings"),
                              checked_if_defined(tables.position, "the position embeddings"),
                              checked_if_defined(tables.type, "the token type embeddings"), ids.contiguous(),
                              in_order(positions), in_order(types));
}

torch::Tensor cross_entropy(const torch::Tensor& logits, const torch::Tensor& targets) {
  return CrossEntropyFunction::apply(checked(logits, "the logits"), targets.contiguous());
}

}  // namespace espalier::onednn
