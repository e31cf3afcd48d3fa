#pragma once

#include "reference/layers.h"

/// A mixture of experts, token by token and slot by slot.
namespace espalier::reference {

/// Stacked weights of E experts, as nn/ops.h has them.
struct Experts {
  Values up, up_bias, down, down_bias;
  std::size_t count, D, F;

  Ffn expert(std::size_t e) const {
    const auto slice = [e](const Values& all, std::size_t size) {
      const auto first = all.begin() + static_cast<std::ptrdiff_t>(e * size);
      return Values(first, first + static_cast<std::ptrdiff_t>(size));
    };
    return {slice(up, F * D), slice(up_bias, F), slice(down, D * F), slice(down_bias, D)};
  }
};

inline Values row_of(const Values& x, std::size_t n, std::size_t D) {
  const auto first = x.begin() + static_cast<std::ptrdiff_t>(n * D);
  return Values(first, first + static_cast<std::ptrdiff_t>(D));
}

/// y[n] = sum over k of gates[n, k] * expert[chosen[n, k]](x[n]); -1 adds nothing.
inline Values experts(const Values& x, const Values& gates, const Indices& chosen, std::size_t K,
                      const Experts& w) {
  Values y(x.size(), 0.0);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    if (chosen[i] < 0) continue;
    const Values out = ffn(row_of(x, i / K, w.D), w.expert(static_cast<std::size_t>(chosen[i])));
    for (std::size_t j = 0; j < w.D; ++j) y[i / K * w.D + j] += gates[i] * out[j];
  }
  return y;
}

struct ExpertsGradients {
  Values dx, dgates;
  Values dup, dup_bias, ddown, ddown_bias;
};

inline void add_at(Values& sum, std::size_t first, const Values& part) {
  for (std::size_t i = 0; i < part.size(); ++i) sum[first + i] += part[i];
}

inline ExpertsGradients experts_backward(const Values& dy, const Values& x, const Values& gates,
                                         const Indices& chosen, std::size_t K, const Experts& w) {
  ExpertsGradients out{Values(x.size()),         Values(gates.size()),  Values(w.up.size()),
                       Values(w.up_bias.size()), Values(w.down.size()), Values(w.down_bias.size())};
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    if (chosen[i] < 0) continue;
    const auto e = static_cast<std::size_t>(chosen[i]);
    const Values row = row_of(x, i / K, w.D);
    Values d_out = row_of(dy, i / K, w.D);
    const Values y = ffn(row, w.expert(e));
    for (std::size_t j = 0; j < w.D; ++j) out.dgates[i] += d_out[j] * y[j];
    for (double& value : d_out) value *= gates[i];
    const auto g = ffn_backward(d_out, row, w.expert(e));
    add_at(out.dx, i / K * w.D, g.dx);
    add_at(out.dup, e * w.F * w.D, g.dweights.up);
    add_at(out.dup_bias, e * w.F, g.dweights.up_bias);
    add_at(out.ddown, e * w.D * w.F, g.dweights.down);
    add_at(out.ddown_bias, e * w.D, g.dweights.down_bias);
  }
  return out;
}

}  // namespace espalier::reference
