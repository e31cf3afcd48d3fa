
#include <torch/autograd.h>

#include "kernels/simd/kernels.h"
#include "train/onednn/functions.h"

namespace espalier::onednn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

simd::DropoutKey key_of(const Dropout& dropout) {
  return {dropout.key, static_cast<float>(dropout.probability)};
}

/// y = LayerNorm(residual + dropout(x)) * weight + bias, in one pass over the rows each way.
struct LayerNormFunction : torch::autograd::Function<LayerNormFunction> {
  static torch::Tensor forward(AutogradContext* context, const c10::optional<torch::Tensor>& residual,
                               const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                               double epsilon, const Dropout& dropout) {
    const auto rows = x.size(0), width = x.size(1);
    const bool sums = residual.has_value() || dropout.probability > 0;
    auto y = torch::empty_like(x), z = sums ? torch::empty_like(x) : x;
    auto mean = torch::empty({rows}, x.options()), rstd = torch::empty({rows}, x.options());
    simd::kernels().layer_norm_forward({.x = x.data_ptr<float>(),
                                        .residual = residual ? residual->data_ptr<float>() : nullptr,
                                        .gamma = weight.data_ptr<float>(),
                                        .beta = bias.data_ptr<float>(),
                                        .z = sums ? z.data_ptr<float>() : nullptr,
                                        .y = y.data_ptr<float>(),
                                        .mean = mean.data_ptr<float>(),
                                        .rstd = rstd.data_ptr<float>(),
                                        .n = rows,
                                        .d = width,
                                        .eps = static_cast<float>(epsilon),
                                        .dropout = key_of(dropout)});
    context->save_for_backward({z, weight, mean, rstd});
    context->saved_data["residual"] = residual.has_value();
    context->saved_data["probability"] = dropout.probability;
    context->saved_data["key"] = static_cast<std::int64_t>(dropout.key);
    return y;
  }

  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto &z = saved[0], &weight = saved[1];
    const Dropout dropout{context->saved_data["probability"].toDouble(),
                          static_cast<std::uint64_t>(context->saved_data["key"].toInt())};
    const auto dy = gradients[0].contiguous();
    auto dz = torch::empty_like(z), dweight = torch::empty_like(weight), dbias = torch::empty_like(weight);
    auto dx = dropout.probability > 0 ? torch::empty_like(z) : dz;
    simd::kernels().layer_norm_backward({.dy = dy.data_ptr<float>(),
                                         .z = z.data_ptr<float>(),
                                         .mean = saved[2].data_ptr<float>(),
                                         .rstd = saved[3].data_ptr<float>(),
                                         .gamma = weight.data_ptr<float>(),
                                         .dz = dz.data_ptr<float>(),
                                         .dx = dropout.probability > 0 ? dx.data_ptr<float>() : nullptr,
                                         .dgamma = dweight.data_ptr<float>(),
                                         .dbeta = dbias.data_ptr<float>(),
                                         .n = z.size(0),
                                         .d = z.size(1),
                                         .dropout = key_of(dropout)});
    const auto dresidual = context->saved_data["residual"].toBool() ? dz : torch::Tensor();
    return {dresidual, dx, dweight, dbias, {}, {}};
  }
};

struct DropoutFunction : torch::autograd::Function<DropoutFunction> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x, const Dropout& dropout) {
    context->saved_data["probability"] = dropout.probability;
    context->saved_data["key"] = static_cast<std::int64_t>(dropout.key);
    return masked(x, dropout);
  }
  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const Dropout dropout{context->saved_data["probability"].toDouble(),
                          static_cast<std::uint64_t>(context->saved_data["key"].toInt())};
    return {masked(gradients[0].contiguous(), dropout), {}};
  }

 private:
  static torch::Tensor masked(const torch::Tensor& x, const Dropout& dropout) {
    auto y = torch::empty_like(x);
    simd::kernels().dropout(x.data_ptr<float>(), y.data_ptr<float>(), x.numel(), key_of(dropout));
    return y;
  }
};

struct GeluFunction : torch::autograd::Function<GeluFunction> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x) {
    context->save_for_backward({x});
    auto y = torch::empty_like(x);
    simd::kernels().gelu_forward(
        {.h = x.data_ptr<float>(), .a = y.data_ptr<float>(), .n = x.size(0), .f = x.size(1)});
    return y;
  }
  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto x = context->get_saved_variables()[0];
    const auto dy = gradients[0].contiguous();
    auto dx = torch::empty_like(x);
    simd::kernels().gelu_backward({.da = dy.data_ptr<float>(),
                                   .h = x.data_ptr<float>(),
                                   .dh = dx.data_ptr<float>(),
                                   .n = x.size(0),
                                   .f = x.size(1)});
    return {dx};
  }
};

}  // namespace

torch::Tensor layer_norm(const torch::Tensor& residual, const torch::Tensor& x, const torch::Tensor& weight,
                         const torch::Tensor& bias, double epsilon, const Dropout& dropout) {
  return LayerNormFunction::apply(checked_if_defined(residual, "the residual"),
                                  checked(x, "layer norm's input"), checked(weight, "layer norm's weight"),
                                  checked(bias, "layer norm's bias"), epsilon, dropout);
}

torch::Tensor dropout(const torch::Tensor& x, const Dropout& dropout) {
  if (dropout.probability <= 0) return x;
  return DropoutFunction::apply(checked(x, "dropout's input"), dropout);
}

torch::Tensor gelu(const torch::Tensor& x) {
  return GeluFunction::apply(checked(x, "GELU's input"));
}

}  // namespace espalier::onednn
