#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "train/adamw_options.h"

namespace espalier {

/// A parameter and its moments, float32, of the same shape.
struct OptimizedParameter {
  std::string name;
  torch::Tensor value;
  torch::Tensor first_moment;
  torch::Tensor second_moment;
  bool decays = true;
  double rate = 1.0;  ///< times the learning rate
};

/// AdamW, or with `AdamWOptions::momentum` stochastic gradient descent (whose momentum is the first moment).
class AdamW {
 public:
  AdamW(AdamWOptions options, std::vector<OptimizedParameter> parameters);

  /// Clips and applies the parameters' gradients and drops them. Returns the gradients' norm before clipping;
  /// when it is not finite nothing is changed (the caller stops the run).
  double step(double learning_rate);

  std::vector<OptimizedParameter>& parameters() { return parameters_; }
  /// Other tensors in the place of these, after a model's structure changed; the step count goes on.
  void replace_parameters(std::vector<OptimizedParameter> parameters) { parameters_ = std::move(parameters); }

  std::int64_t steps() const { return steps_; }
  void set_steps(std::int64_t steps) { steps_ = steps; }

 private:
  AdamWOptions options_;
  std::vector<OptimizedParameter> parameters_;
  std::int64_t steps_ = 0;
};

/// A tensor to optimize with fresh moments; sets requires_grad.
OptimizedParameter optimized(const std::string& name, torch::Tensor& value);

/// All parameters of a model that has `visit_parameters`.
template <typename Model>
std::vector<OptimizedParameter> optimized_parameters(Model& model) {
  std::vector<OptimizedParameter> parameters;
  visit_parameters(model, [&](const std::string& name, torch::Tensor& value) {
    parameters.push_back(optimized(name, value));
  });
  return parameters;
}

/// Whether weight decay applies to a parameter of this name: not to biases and norms, nor to what a vision
/// transformer puts beside and onto its patches.
bool weight_decays(const std::string& name);

}  // namespace espalier
