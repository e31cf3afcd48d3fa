
#include <torch/autograd.h>

#include "nn/onednn/functions.h"
#include "nn/onednn/gemm.h"
#include "nn/simd/kernels.h"

namespace espalier::onednn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

/// Every row of y [rows, width] becomes `bias`, for a product that adds onto it.
void broadcast_rows(const torch::Tensor& bias, torch::Tensor& y) {
  y.copy_(bias.unsqueeze(0).expand_as(y));
}

struct LinearFunction : torch::autograd::Function<LinearFunction> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x, const torch::Tensor& weight,
                               const c10::optional<torch::Tensor>& bias) {
    context->save_for_backward({x, weight});
    context->saved_data["bias"] = bias.has_value();
    const auto rows = x.size(0), in = x.size(1), out = weight.size(0);
    auto y = torch::empty({rows, out}, x.options());
    if (bias) broadcast_rows(*bias, y);
    gemm(rows, out, in, {x.data_ptr<float>(), in}, {weight.data_ptr<float>(), in, true}, bias ? 1.0F : 0.0F,
         y.data_ptr<float>(), out);
    return y;
  }

  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto &x = saved[0], &weight = saved[1];
    const auto dy = gradients[0].contiguous();
    const auto rows = x.size(0), in = x.size(1), out = weight.size(0);
    torch::Tensor dx, dweight, dbias;
    if (context->needs_input_grad(0)) {
      dx = torch::empty_like(x);
      gemm(rows, in, out, {dy.data_ptr<float>(), out}, {weight.data_ptr<float>(), in}, 0,
           dx.data_ptr<float>(), in);
    }
    if (context->needs_input_grad(1)) {
      dweight = torch::empty_like(weight);
      weight_gradient(rows, out, in, dy.data_ptr<float>(), x.data_ptr<float>(), dweight.data_ptr<float>());
    }
    if (context->saved_data["bias"].toBool()) {
      dbias = torch::empty({out}, x.options());
      simd::kernels().column_sums(dy.data_ptr<float>(), rows, out, out, dbias.data_ptr<float>());
    }
    return {dx, dweight, dbias};
  }
};

}  // namespace

torch::Tensor linear(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias) {
  return LinearFunction::apply(
      checked(x, "linear's input"), checked(weight, "linear's weight"),
      bias.defined() ? c10::make_optional(checked(bias, "linear's bias")) : c10::nullopt);
}

}  // namespace espalier::onednn
