#include "train/tensor_weights.h"

#include <cmath>

namespace espalier {
namespace {

/// [rows] 2-norms of the rows of a matrix, in float64.
torch::Tensor row_norms(const torch::Tensor& matrix) {
  return matrix.detach().to(torch::kCPU, torch::kFloat64).square().sum(1).sqrt();
}

double square_sum(const torch::Tensor& tensor) {
  return tensor.detach().to(torch::kCPU, torch::kFloat64).square().sum().item<double>();
}

}  // namespace

std::vector<double> TensorWeights::router_norms() const {
  const auto norms = row_norms(router_);
  const double* first = norms.data_ptr<double>();
  return {first, first + norms.numel()};
}

std::vector<double> TensorWeights::expert_norms() const {
  std::vector<double> norms(static_cast<std::size_t>(router_.size(0)), 0.0);
  for (std::size_t e = 0; e < norms.size(); ++e) {
    for (const auto& stacked : experts_) norms[e] += square_sum(stacked[static_cast<std::int64_t>(e)]);
    norms[e] = std::sqrt(norms[e]);
  }
  return norms;
}

std::vector<double> TensorWeights::neuron_norms() const {
  std::vector<double> norms;
  for (std::int64_t e = 0; e < neurons_.size(0); ++e)
    norms.push_back(row_norms(neurons_[e]).mean().item<double>());
  return norms;
}

}  // namespace espalier
