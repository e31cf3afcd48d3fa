#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <vector>

/// Plain loops in float64 for everything that is not a matrix product: the oracle of kernels/simd. Row-major.
namespace espalier::reference {

using Values = std::vector<double>;
using Indices = std::vector<std::int32_t>;

inline double cumulative(double x) {
  return 0.5 * std::erfc(-x / std::numbers::sqrt2);
}
inline double gelu(double x) {
  return x * cumulative(x);
}
inline double gelu_derivative(double x) {
  return cumulative(x) + x * std::exp(-0.5 * x * x) / std::sqrt(2 * std::numbers::pi);
}

/// out[j] = sum over i of x[i, j]: x [n, f]
inline Values column_sums(const Values& x, std::int64_t f) {
  Values sums(f, 0.0);
  for (std::size_t i = 0; i < x.size(); ++i) sums[i % f] += x[i];
  return sums;
}

struct Normalised {
  Values y;           // [n, d]
  Values mean, rstd;  // [n]
};

inline Normalised layer_norm(const Values& z, const Values& gamma, const Values& beta, double eps) {
  const std::size_t d = gamma.size();
  Normalised out{.y = z, .mean = {}, .rstd = {}};
  for (std::size_t i = 0; i * d < z.size(); ++i) {
    double mean = 0;
    double variance = 0;
    for (std::size_t j = 0; j < d; ++j) mean += z[i * d + j] / d;
    for (std::size_t j = 0; j < d; ++j) variance += std::pow(z[i * d + j] - mean, 2) / d;
    const double rstd = 1 / std::sqrt(variance + eps);
    for (std::size_t j = 0; j < d; ++j) out.y[i * d + j] = (z[i * d + j] - mean) * rstd * gamma[j] + beta[j];
    out.mean.push_back(mean);
    out.rstd.push_back(rstd);
  }
  return out;
}

struct LayerNormGradients {
  Values dz;             // [n, d]
  Values dgamma, dbeta;  // [d]
};

inline LayerNormGradients layer_norm_backward(const Values& dy, const Values& z, const Values& gamma,
                                              double eps) {
  const std::size_t d = gamma.size();
  const Normalised at = layer_norm(z, gamma, Values(d, 0.0), eps);
  LayerNormGradients out{.dz = dy, .dgamma = Values(d, 0.0), .dbeta = Values(d, 0.0)};
  for (std::size_t i = 0; i * d < z.size(); ++i) {
    double c1 = 0;
    double c2 = 0;
    for (std::size_t j = 0; j < d; ++j) {
      const double normalised = (z[i * d + j] - at.mean[i]) * at.rstd[i];
      out.dgamma[j] += dy[i * d + j] * normalised;
      out.dbeta[j] += dy[i * d + j];
      c1 += dy[i * d + j] * gamma[j] / d;
      c2 += dy[i * d + j] * gamma[j] * normalised / d;
    }
    for (std::size_t j = 0; j < d; ++j) {
      const double normalised = (z[i * d + j] - at.mean[i]) * at.rstd[i];
      out.dz[i * d + j] = at.rstd[i] * (dy[i * d + j] * gamma[j] - c1 - normalised * c2);
    }
  }
  return out;
}

/// Softmax of every row of `width`; rows of nothing but -inf become zeros.
inline Values softmax(Values x, std::int64_t width) {
  for (std::size_t i = 0; width > 0 && i < x.size(); i += width) {
    const double largest = *std::max_element(x.begin() + i, x.begin() + i + width);
    double sum = 0;
    for (std::int64_t j = 0; j < width; ++j) sum += std::isinf(largest) ? 0 : std::exp(x[i + j] - largest);
    for (std::int64_t j = 0; j < width; ++j) {
      x[i + j] = sum == 0 ? 0 : std::exp(x[i + j] - largest) / sum;
    }
  }
  return x;
}

/// p * (g - sum(p * g)) for every row of `width`.
inline Values softmax_backward(const Values& p, Values g, std::int64_t width) {
  for (std::size_t i = 0; width > 0 && i < p.size(); i += width) {
    double product = 0;
    for (std::int64_t j = 0; j < width; ++j) product += p[i + j] * g[i + j];
    for (std::int64_t j = 0; j < width; ++j) g[i + j] = p[i + j] * (g[i + j] - product);
  }
  return g;
}

/// The k largest of every row of `width`, the smaller index first among equals.
inline Indices largest_of_rows(const std::vector<float>& x, std::int64_t width, std::int64_t k) {
  Indices chosen;
  for (std::size_t i = 0; i < x.size(); i += width) {
    Indices order(width);
    for (std::int64_t j = 0; j < width; ++j) order[j] = static_cast<std::int32_t>(j);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::int32_t a, std::int32_t b) { return x[i + a] > x[i + b]; });
    chosen.insert(chosen.end(), order.begin(), order.begin() + k);
  }
  return chosen;
}

struct AdamWState {
  double parameter, first, second;
};

inline AdamWState adamw(AdamWState s, double g, double rate, double beta1, double beta2, double eps,
                        double decay, int step) {
  s.parameter *= 1 - rate * decay;
  s.first = beta1 * s.first + (1 - beta1) * g;
  s.second = beta2 * s.second + (1 - beta2) * g * g;
  const double first = s.first / (1 - std::pow(beta1, step));
  const double second = s.second / (1 - std::pow(beta2, step));
  s.parameter -= rate * first / (std::sqrt(second) + eps);
  return s;
}

}  // namespace espalier::reference
