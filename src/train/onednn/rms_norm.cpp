#include <torch/autograd.h>

#include "kernels/simd/kernels.h"
#include "train/onednn/functions.h"

namespace espalier::onednn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

struct RmsNormFunction : torch::autograd::Function<RmsNormFunction> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x, const torch::Tensor& weight,
                               double epsilon) {
    auto y = torch::empty_like(x);
    const auto D = x.size(1);
    simd::kernels().rms_norm({.x = x.data_ptr<float>(),
                              .gamma = weight.data_ptr<float>(),
                              .y = y.data_ptr<float>(),
                              .n = x.size(0),
                              .d = D,
                              .x_stride = D,
                              .y_stride = D,
                              .eps = static_cast<float>(epsilon)});
    context->save_for_backward({x, weight});
    context->saved_data["epsilon"] = epsilon;
    return y;
  }

  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto &x = saved[0], &weight = saved[1];
    const auto dy = gradients[0].contiguous();
    auto dx = torch::empty_like(x), dweight = torch::empty_like(weight);
    simd::kernels().rms_norm_backward({.dy = dy.data_ptr<float>(),
                                       .x = x.data_ptr<float>(),
                                       .gamma = weight.data_ptr<float>(),
                                       .dx = dx.data_ptr<float>(),
                                       .dgamma = dweight.data_ptr<float>(),
                                       .n = x.size(0),
                                       .d = x.size(1),
                                       .eps = static_cast<float>(context->saved_data["epsilon"].toDouble())});
    return {dx, dweight, {}};
  }
};

}  // namespace

torch::Tensor rms_norm(const torch::Tensor& x, const torch::Tensor& weight, double epsilon) {
  return RmsNormFunction::apply(checked(x, "the norm's input"), checked(weight, "the norm's weight"),
                                epsilon);
}

}  // namespace espalier::onednn
