#include "train/adamw.h"

#include <torch/utils.h>

#include <cmath>

#include "base/error.h"
#include "kernels/simd/kernels.h"

namespace espalier {

AdamW::AdamW(AdamWOptions options, std::vector<OptimizedParameter> parameters)
    : options_(options), parameters_(std::move(parameters)) {}

OptimizedParameter optimized(const std::string& name, torch::Tensor& value) {
  value.set_requires_grad(true);
  return {name, value, torch::zeros_like(value), torch::zeros_like(value), weight_decays(name)};
}

bool weight_decays(const std::string& name) {
  return !name.ends_with("bias") && name.find("LayerNorm") == std::string::npos &&
         name.find("norm.weight") == std::string::npos && !name.starts_with("embeddings.class") &&
         !name.starts_with("embeddings.position");
}

double AdamW::step(double learning_rate) {
  const torch::NoGradGuard no_grad;
  const auto& kernels = simd::kernels();
  double sum_of_squares = 0;
  for (auto& p : parameters_) {
    if (!p.value.grad().defined()) p.value.mutable_grad() = torch::zeros_like(p.value);
    auto& gradient = p.value.mutable_grad();
    if (!gradient.is_contiguous()) gradient = gradient.contiguous();
    sum_of_squares += kernels.sum_of_squares(gradient.data_ptr<float>(), gradient.numel());
  }
  const double norm = std::sqrt(sum_of_squares);
  if (!std::isfinite(norm)) return norm;
  ++steps_;
  const double clip =
      options_.clip_norm > 0 && norm > options_.clip_norm ? options_.clip_norm / (norm + 1e-6) : 1.0;
  for (auto& p : parameters_) {
    if (options_.momentum) {
      p.first_moment.mul_(*options_.momentum).add_(p.value.grad(), clip);
      p.value.add_(p.first_moment, -learning_rate * p.rate);
      p.value.mutable_grad() = torch::Tensor();
      continue;
    }
    kernels.adamw({.parameters = p.value.data_ptr<float>(),
                   .gradients = p.value.grad().data_ptr<float>(),
                   .first_moment = p.first_moment.data_ptr<float>(),
                   .second_moment = p.second_moment.data_ptr<float>(),
                   .count = p.value.numel(),
                   .learning_rate = static_cast<float>(learning_rate * p.rate),
                   .beta1 = static_cast<float>(options_.beta1),
                   .beta2 = static_cast<float>(options_.beta2),
                   .eps = static_cast<float>(options_.epsilon),
                   .weight_decay = static_cast<float>(p.decays ? options_.weight_decay : 0.0),
                   .step = steps_,
                   .gradient_scale = static_cast<float>(clip)});
    p.value.mutable_grad() = torch::Tensor();
  }
  return norm;
}

}  // namespace espalier
