#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "reference/elementwise.h"

/// Plain loops in float64 for the layers that hold weights: the oracle of nn's backends. Row-major.
namespace espalier::reference {

/// c [m, n] = a [m, k] times the transpose of b [n, k]
inline Values times_transposed(const Values& a, const Values& b, std::size_t k) {
  const std::size_t m = a.size() / k, n = b.size() / k;
  Values c(m * n, 0.0);
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t j = 0; j < n; ++j)
      for (std::size_t l = 0; l < k; ++l) c[i * n + j] += a[i * k + l] * b[j * k + l];
  return c;
}

/// c [m, n] = a [m, k] times b [k, n]
inline Values times(const Values& a, const Values& b, std::size_t k) {
  const std::size_t m = a.size() / k, n = b.size() / k;
  Values c(m * n, 0.0);
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t l = 0; l < k; ++l)
      for (std::size_t j = 0; j < n; ++j) c[i * n + j] += a[i * k + l] * b[l * n + j];
  return c;
}

/// c [m, n] = the transpose of a [k, m] times b [k, n]
inline Values transposed_times(const Values& a, std::size_t m, const Values& b, std::size_t n) {
  Values c(m * n, 0.0);
  for (std::size_t l = 0; l * m < a.size(); ++l)
    for (std::size_t i = 0; i < m; ++i)
      for (std::size_t j = 0; j < n; ++j) c[i * n + j] += a[l * m + i] * b[l * n + j];
  return c;
}

/// x [N, in], weight [out, in], bias [out] or empty
inline Values linear(const Values& x, const Values& weight, const Values& bias, std::size_t in) {
  Values y = times_transposed(x, weight, in);
  for (std::size_t i = 0; !bias.empty() && i < y.size(); ++i) y[i] += bias[i % bias.size()];
  return y;
}

struct LinearGradients {
  Values dx, dweight, dbias;
};

inline LinearGradients linear_backward(const Values& dy, const Values& x, const Values& weight,
                                       std::size_t in) {
  const std::size_t out = weight.size() / in;
  return {times(dy, weight, out), transposed_times(dy, out, x, in),
          column_sums(dy, static_cast<std::int64_t>(out))};
}

/// Weights of one feed-forward network: up [F, D], up_bias [F], down [D, F], down_bias [D].
struct Ffn {
  Values up, up_bias, down, down_bias;
};

/// x [N, D] -> [N, D]
inline Values ffn(const Values& x, const Ffn& w) {
  Values a = linear(x, w.up, w.up_bias, w.down_bias.size());
  for (double& value : a) value = gelu(value);
  return linear(a, w.down, w.down_bias, w.up_bias.size());
}

struct FfnGradients {
  Values dx;
  Ffn dweights;
};

inline FfnGradients ffn_backward(const Values& dy, const Values& x, const Ffn& w) {
  const std::size_t D = w.down_bias.size(), F = w.up_bias.size();
  const Values h = linear(x, w.up, w.up_bias, D);
  Values a = h;
  for (double& value : a) value = gelu(value);
  const auto down = linear_backward(dy, a, w.down, F);
  Values dh = down.dx;
  for (std::size_t i = 0; i < dh.size(); ++i) dh[i] *= gelu_derivative(h[i]);
  const auto up = linear_backward(dh, x, w.up, D);
  return {up.dx, {up.dweight, up.dbias, down.dweight, down.dbias}};
}

/// Sum of three tables' rows: out [N, D]
inline Values embed(const std::vector<const Values*>& tables,
                    const std::vector<const std::vector<std::int64_t>*>& ids, std::size_t D) {
  Values out(ids[0]->size() * D, 0.0);
  for (std::size_t t = 0; t < tables.size(); ++t)
    for (std::size_t i = 0; i < out.size(); ++i) {
      const auto row = static_cast<std::size_t>((*ids[t])[i / D]);
      out[i] += (*tables[t])[row * D + i % D];
    }
  return out;
}

/// Gradient of one table of `rows` rows.
inline Values embed_backward(const Values& dy, const std::vector<std::int64_t>& ids, std::size_t rows,
                             std::size_t D) {
  Values gradient(rows * D, 0.0);
  for (std::size_t i = 0; i < dy.size(); ++i)
    gradient[static_cast<std::size_t>(ids[i / D]) * D + i % D] += dy[i];
  return gradient;
}

struct CrossEntropy {
  double loss;
  Values dlogits;  // [M, V]
};

/// Mean over rows of -log softmax(logits)[target].
inline CrossEntropy cross_entropy(const Values& logits, const std::vector<std::int64_t>& targets) {
  const std::size_t M = targets.size(), V = logits.size() / M;
  CrossEntropy out{0.0, softmax(logits, static_cast<std::int64_t>(V))};
  for (std::size_t i = 0; i < M; ++i) {
    double& p = out.dlogits[i * V + static_cast<std::size_t>(targets[i])];
    out.loss -= std::log(p) / static_cast<double>(M);
    p -= 1.0;
  }
  for (double& value : out.dlogits) value /= static_cast<double>(M);
  return out;
}

}  // namespace espalier::reference
