
#include <torch/autograd.h>

#include <vector>

#include "nn/onednn/ffn_kernel.h"
#include "nn/onednn/functions.h"
#include "nn/simd/kernels.h"

namespace espalier::onednn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

/// Token and slot pairs sorted by expert. All int32 on the CPU.
struct Grouping {
  torch::Tensor offsets;    // [E+1] rows of expert e: offsets[e] .. offsets[e+1]
  torch::Tensor row_token;  // [R] token of each row
  torch::Tensor row_of;     // [N, K] row of each pair, -1 where no expert took it

  std::int64_t rows() const { return row_token.size(0); }
  FfnShape shape(const torch::Tensor& up) const {
    return {{offsets.data_ptr<std::int32_t>(), static_cast<std::size_t>(offsets.size(0))},
            up.size(2),
            up.size(1)};
  }
};

Grouping group(const torch::Tensor& chosen, std::int64_t experts) {
  Grouping g{torch::empty({experts + 1}, torch::kInt32), torch::empty({chosen.numel()}, torch::kInt32),
             torch::empty_like(chosen)};
  simd::kernels().sort_by_expert({.chosen = chosen.data_ptr<std::int32_t>(),
                                  .offsets = g.offsets.data_ptr<std::int32_t>(),
                                  .row_token = g.row_token.data_ptr<std::int32_t>(),
                                  .row_of = g.row_of.data_ptr<std::int32_t>(),
                                  .n = chosen.size(0),
                                  .k = chosen.size(1),
                                  .experts = experts});
  g.row_token = g.row_token.narrow(0, 0, g.offsets.data_ptr<std::int32_t>()[experts]);
  return g;
}

/// Each expert's FFN on its own rows, gathered side by side.
struct ExpertsFunction : torch::autograd::Function<ExpertsFunction> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x, const torch::Tensor& gates,
                               const torch::Tensor& chosen, const torch::Tensor& up,
                               const torch::Tensor& up_bias, const torch::Tensor& down,
                               const torch::Tensor& down_bias) {
    const auto& kernels = simd::kernels();
    const auto E = up.size(0), F = up.size(1), D = up.size(2);
    const auto g = group(chosen, E);
    auto xs = torch::empty({g.rows(), D}, x.options()), ys = torch::empty_like(xs);
    auto h = torch::empty({g.rows(), F}, x.options());
    kernels.gather_rows(x.data_ptr<float>(), g.row_token.data_ptr<std::int32_t>(), g.rows(), D,
                        xs.data_ptr<float>());
    ffn_forward(g.shape(up), xs.data_ptr<float>(), ffn_view(up, up_bias, down, down_bias),
                h.data_ptr<float>(), ys.data_ptr<float>());
    auto y = torch::empty_like(x);
    kernels.combine({.ys = ys.data_ptr<float>(),
                     .row_of = g.row_of.data_ptr<std::int32_t>(),
                     .gates = gates.data_ptr<float>(),
                     .y = y.data_ptr<float>(),
                     .n = x.size(0),
                     .k = chosen.size(1),
                     .d = D});
    context->save_for_backward(
        {xs, gates, up, up_bias, down, down_bias, h, ys, g.offsets, g.row_token, g.row_of});
    return y;
  }

  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto& kernels = simd::kernels();
    const auto s = context->get_saved_variables();
    const auto &xs = s[0], &gates = s[1], &h = s[6], &ys = s[7];
    const tensor_list weights(s.begin() + 2, s.begin() + 6);
    const Grouping g{s[8], s[9], s[10]};
    const auto D = xs.size(1);
    const auto N = gates.size(0), K = gates.size(1);
    const auto dy = gradients[0].contiguous();
    auto dys = torch::empty_like(ys), dgates = torch::empty_like(gates);
    kernels.combine_backward({.dy = dy.data_ptr<float>(),
                              .ys = ys.data_ptr<float>(),
                              .row_of = g.row_of.data_ptr<std::int32_t>(),
                              .gates = gates.data_ptr<float>(),
                              .dys = dys.data_ptr<float>(),
                              .dgates = dgates.data_ptr<float>(),
                              .n = N,
                              .k = K,
                              .d = D});
    auto dxs = torch::empty_like(xs);
    tensor_list dweights;
    for (const auto& w : weights) dweights.push_back(torch::empty_like(w));
    ffn_backward(g.shape(weights[0]), xs.data_ptr<float>(),
                 ffn_view(weights[0], weights[1], weights[2], weights[3]), h.data_ptr<float>(),
                 dys.data_ptr<float>(), dxs.data_ptr<float>(),
                 ffn_gradients(dweights[0], dweights[1], dweights[2], dweights[3]));
    auto dx = torch::empty({N, D}, xs.options());
    kernels.combine({.ys = dxs.data_ptr<float>(),
                     .row_of = g.row_of.data_ptr<std::int32_t>(),
                     .y = dx.data_ptr<float>(),
                     .n = N,
                     .k = K,
                     .d = D});
    return {dx, dgates, {}, dweights[0], dweights[1], dweights[2], dweights[3]};
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
