#pragma once

#include <cmath>
#include <vector>

#include "artifacts/expert_moments.h"

namespace espalier::reference {

/// outputs[e][n][d] of every expert for every input.
using Outputs = std::vector<std::vector<std::vector<double>>>;

inline double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// Raw moments by their definition, without projection (R = D).
inline ExpertMoments moments_of(const Outputs& outputs) {
  const std::size_t E = outputs.size(), N = outputs[0].size(), D = outputs[0][0].size();
  ExpertMoments moments;
  moments.inputs = static_cast<double>(N);
  moments.projected = D;
  moments.resize(E, D);
  for (std::size_t i = 0; i < E; ++i) {
    for (std::size_t n = 0; n < N; ++n) {
      for (std::size_t d = 0; d < D; ++d) {
        moments.output_sum[i * D + d] += outputs[i][n][d];
        moments.projected_sum[i * D + d] += outputs[i][n][d];
      }
      for (std::size_t j = 0; j < E; ++j) {
        moments.output_product_sum[i * E + j] += dot(outputs[i][n], outputs[j][n]);
        for (std::size_t r = 0; j >= i && r < D; ++r)
          for (std::size_t c = 0; c < D; ++c)
            moments.cross_moment[(pair_index(i, j, E) * D + r) * D + c] +=
                outputs[i][n][r] * outputs[j][n][c];
      }
    }
  }
  return moments;
}

/// Linear CKA from outputs: centred columns, then the kernels K = Y Y^T [N, N] and <K_i, K_j> / (|K_i|
/// |K_j|).
inline std::vector<double> cka_of(const Outputs& outputs) {
  const std::size_t E = outputs.size(), N = outputs[0].size(), D = outputs[0][0].size();
  std::vector<std::vector<double>> kernels;
  for (std::size_t e = 0; e < E; ++e) {
    auto y = outputs[e];
    for (std::size_t d = 0; d < D; ++d) {
      double mean = 0;
      for (std::size_t n = 0; n < N; ++n) mean += y[n][d] / static_cast<double>(N);
      for (std::size_t n = 0; n < N; ++n) y[n][d] -= mean;
    }
    std::vector<double>& kernel = kernels.emplace_back();
    for (std::size_t a = 0; a < N; ++a)
      for (std::size_t b = 0; b < N; ++b) kernel.push_back(dot(y[a], y[b]));
  }
  std::vector<double> result;
  for (std::size_t i = 0; i < E; ++i)
    for (std::size_t j = 0; j < E; ++j)
      result.push_back(dot(kernels[i], kernels[j]) /
                       std::sqrt(dot(kernels[i], kernels[i]) * dot(kernels[j], kernels[j])));
  return result;
}

}  // namespace espalier::reference
