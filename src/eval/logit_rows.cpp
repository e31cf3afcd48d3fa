#include "eval/logit_rows.h"

#include <algorithm>

#include "base/buffer.h"
#include "base/parallel.h"
#include "kernels/simd/kernels.h"

namespace espalier {
namespace {

std::int64_t first_of_largest(const float* row, std::int64_t count) {
  std::int64_t best = 0;
  float most = row[0];
  for (std::int64_t c = 0; c < count; ++c) {
    if (row[c] <= most && c > 0) continue;
    if (row[c] != row[c]) return c;  // NaN
    best = c;
    most = row[c];
  }
  return best;
}

}  // namespace

LogitRows::LogitRows(std::int64_t m, std::int64_t V, const float* logits)
    : V_(V), logits_(logits), log_sums_(static_cast<std::size_t>(m)), best_(static_cast<std::size_t>(m)) {
  parallel_for(m, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i)
      best_[static_cast<std::size_t>(i)] = first_of_largest(row(i), V);
  });
  simd::kernels().cross_entropy({.logits = logits,
                                 .targets = {.wide = best_.data()},
                                 .log_sum_exp = log_sums_.data(),
                                 .m = m,
                                 .vocabulary = V});
}

std::vector<double> kl_divergences(const LogitRows& a, std::int64_t first, const LogitRows& b) {
  const auto V = a.classes(), count = b.count();
  Buffer<float> probabilities(count * V);
  std::copy_n(a.row(first), count * V, probabilities.data());
  simd::kernels().attention_softmax(
      {.scores = probabilities.data(), .batch = 1, .rows = count, .keys = V, .scale = 1});
  std::vector<double> divergences(static_cast<std::size_t>(count));
  parallel_for(count, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const float *p = probabilities.data() + i * V, *x = a.row(first + i), *y = b.row(i);
      const double shift = b.log_sum(i) - a.log_sum(first + i);
      double sum = 0;
      for (std::int64_t c = 0; c < V; ++c)
        if (p[c] > 0)
          sum += static_cast<double>(p[c]) * (static_cast<double>(x[c]) - static_cast<double>(y[c]) + shift);
      divergences[static_cast<std::size_t>(i)] = sum;
    }
  });
  return divergences;
}

}  // namespace espalier
