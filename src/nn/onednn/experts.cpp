
#include <torch/autograd.h>

#include "nn/onednn/expert_rows.h"
#include "nn/onednn/ffn_kernel.h"
#include "nn/onednn/functions.h"

namespace espalier::onednn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

FfnShape shape_of(const ExpertRows& g, const torch::Tensor& up) {
  return {g.offset_values(), up.size(2), up.size(1)};
}

/// Each expert's FFN on its own rows, gathered side by side.
struct ExpertsFunction : torch::autograd::Function<ExpertsFunction> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x, const torch::Tensor& gates,
                               const torch::Tensor& chosen, const torch::Tensor& up,
                               const torch::Tensor& up_bias, const torch::Tensor& down,
                               const torch::Tensor& down_bias) {
    const auto g = rows_by_expert(chosen, up.size(0));
    const auto xs = gather(x, g);
    auto ys = torch::empty_like(xs), h = torch::empty({g.rows(), up.size(1)}, x.options());
    ffn_forward(shape_of(g, up), xs.data_ptr<float>(), ffn_view(up, up_bias, down, down_bias),
                h.data_ptr<float>(), ys.data_ptr<float>());
    auto y = combine(ys, g, gates);
    context->save_for_backward(
        {xs, gates, up, up_bias, down, down_bias, h, ys, g.offsets, g.row_token, g.row_of});
    return y;
  }

  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto s = context->get_saved_variables();
    const auto &xs = s[0], &gates = s[1], &h = s[6], &ys = s[7];
    const tensor_list weights(s.begin() + 2, s.begin() + 6);
    const ExpertRows g{s[8], s[9], s[10]};
    const auto [dys, dgates] = combine_backward(gradients[0].contiguous(), ys, g, gates);
    auto dxs = torch::empty_like(xs);
    tensor_list dweights;
    for (const auto& w : weights) dweights.push_back(torch::empty_like(w));
    ffn_backward(shape_of(g, weights[0]), xs.data_ptr<float>(),
                 ffn_view(weights[0], weights[1], weights[2], weights[3]), h.data_ptr<float>(),
                 dys.data_ptr<float>(), dxs.data_ptr<float>(),
                 ffn_gradients(dweights[0], dweights[1], dweights[2], dweights[3]));
    return {combine(dxs, g, {}), dgates, {}, dweights[0], dweights[1], dweights[2], dweights[3]};
  }
};

}  // namespace

torch::Tensor experts(const torch::Tensor& x, const torch::Tensor& gates, const torch::Tensor& chosen,
                      const ExpertWeights& w) {
  return ExpertsFunction::apply(
      checked(x, "the experts' input"), checked(gates, "the gates"), chosen.contiguous(),
      checked(w.up, "the experts' up projections"), checked(w.up_bias, "the experts' up biases"),
      checked(w.down, "the experts' down projections"), checked(w.down_bias, "the experts' down biases"));
}

}  // namespace espalier::onednn
