#pragma once

#include <functional>

#include "reference/layers.h"

/// What decoders are trained with, as plain loops in float64.
namespace espalier::reference {

/// Rows of the width of gamma.
inline Values rms_norm(const Values& x, const Values& gamma, double epsilon) {
  const std::size_t d = gamma.size();
  Values y = x;
  for (std::size_t i = 0; i * d < x.size(); ++i) {
    double squares = 0;
    for (std::size_t j = 0; j < d; ++j) squares += x[i * d + j] * x[i * d + j];
    for (std::size_t j = 0; j < d; ++j)
      y[i * d + j] *= gamma[j] / std::sqrt(squares / static_cast<double>(d) + epsilon);
  }
  return y;
}

/// SwiGLU: x [N, D], gate_up [2F, D], down [D, F] -> [N, D]
inline Values gated_ffn(const Values& x, const Values& gate_up, const Values& down, std::size_t D) {
  const std::size_t F = down.size() / D, N = x.size() / D;
  const Values h = times_transposed(x, gate_up, D);
  Values a(N * F);
  for (std::size_t n = 0; n < N; ++n)
    for (std::size_t f = 0; f < F; ++f) {
      const double g = h[n * 2 * F + f];
      a[n * F + f] = g / (1 + std::exp(-g)) * h[n * 2 * F + F + f];
    }
  return times_transposed(a, down, F);
}

/// What a causal attention is made of, as nn/ops.h has it.
struct Heads {
  std::size_t H, G, d, v, turned_from;
  bool interleaved;
  std::size_t window;
  double scale;
  std::size_t row() const { return (H + G) * d + G * v; }
};

/// One sequence: qkv [T, row]; `angle(position, pair)` in radians -> [T, H v]
inline Values causal_attention(Values qkv, const Heads& h,
                               const std::function<double(std::size_t, std::size_t)>& angle) {
  const std::size_t T = qkv.size() / h.row(), half = (h.d - h.turned_from) / 2;
  for (std::size_t t = 0; t < T; ++t)
    for (std::size_t head = 0; head < h.H + h.G; ++head)
      for (std::size_t pair = 0; pair < half; ++pair) {
        const std::size_t first = t * h.row() + head * h.d + h.turned_from;
        double& a = qkv[first + (h.interleaved ? 2 * pair : pair)];
        double& b = qkv[first + (h.interleaved ? 2 * pair + 1 : pair + half)];
        const double c = std::cos(angle(t, pair)), s = std::sin(angle(t, pair)), turned = a * c - b * s;
        b = b * c + a * s;
        a = turned;
      }
  Values y(T * h.H * h.v, 0.0);
  for (std::size_t t = 0; t < T; ++t)
    for (std::size_t head = 0; head < h.H; ++head) {
      const std::size_t shared = head / (h.H / h.G);
      const std::size_t first = h.window > 0 && t + 1 > h.window ? t + 1 - h.window : 0;
      Values p;
      double sum = 0;
      for (std::size_t s = first; s <= t; ++s) {
        double score = 0;
        for (std::size_t j = 0; j < h.d; ++j)
          score += qkv[t * h.row() + head * h.d + j] * qkv[s * h.row() + (h.H + shared) * h.d + j];
        p.push_back(std::exp(score * h.scale));
        sum += p.back();
      }
      for (std::size_t s = first; s <= t; ++s)
        for (std::size_t j = 0; j < h.v; ++j)
          y[(t * h.H + head) * h.v + j] +=
              p[s - first] / sum * qkv[s * h.row() + (h.H + h.G) * h.d + shared * h.v + j];
    }
  return y;
}

/// The gradient of sum(dy * f(x)) by central differences.
inline Values numeric_gradient(const std::function<Values(const Values&)>& f, Values x, const Values& dy) {
  constexpr double kStep = 1e-5;
  const auto weighed = [&] {
    const Values y = f(x);
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += dy[i] * y[i];
    return sum;
  };
  Values gradient;
  for (double& value : x) {
    const double before = value;
    value = before + kStep;
    const double above = weighed();
    value = before - kStep;
    gradient.push_back((above - weighed()) / (2 * kStep));
    value = before;
  }
  return gradient;
}

}  // namespace espalier::reference
