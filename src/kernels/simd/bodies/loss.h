#pragma once

#include "kernels/simd/bodies/embedding.h"
#include "kernels/simd/bodies/softmax.h"

namespace espalier::simd {
namespace {

/// Sums of exponentials are kept in float over this many columns and in double over the blocks.
constexpr int64_t kBlock = 1024;

ESPALIER_INLINE float largest_of(const float* row, int64_t n) {
  F most = splat(-kInfinity);
  for_lanes(
      n, [&](int64_t j, auto lanes) ESPALIER_INLINED { most = max(lanes.load(row + j, -kInfinity), most); });
  return max_of_lanes(most);
}

/// The sum of exp(row - from); each exponential is also written to `out`, unless that is null.
ESPALIER_INLINE double sum_of_exponentials(const float* row, int64_t n, float from, float* out) {
  double sum = 0;
  for (int64_t block = 0; block < n; block += kBlock) {
    F part{};
    for_lanes(n - block < kBlock ? n - block : kBlock, [&](int64_t j, auto lanes) ESPALIER_INLINED {
      const F e = exponential(lanes.load(row + block + j, -kInfinity) - from);
      if (out != nullptr) lanes.store(out + block + j, e);
      part += e;
    });
    sum += static_cast<double>(sum_of_lanes(part));
  }
  return sum;
}

ESPALIER_INLINE double cross_entropy_row(const CrossEntropy& op, int64_t i) {
  const float* logits = op.logits + i * op.vocabulary;
  float* gradient = op.dlogits == nullptr ? nullptr : op.dlogits + i * op.vocabulary;
  const int64_t target = id_at(op.targets, i);
  const double at_target = target < 0 ? 0.0 : static_cast<double>(logits[target]);
  const float largest = largest_of(logits, op.vocabulary);
  const float from = largest == -kInfinity ? 0.0F : largest;
  const double sum = sum_of_exponentials(logits, op.vocabulary, from, gradient);
  const double total = static_cast<double>(from) + __builtin_log(sum);
  if (op.log_sum_exp != nullptr) op.log_sum_exp[i] = static_cast<float>(total);
  if (gradient != nullptr && target < 0) clear_row(gradient, 0, op.vocabulary);
  if (gradient != nullptr && target >= 0) {
    const float factor = static_cast<float>(static_cast<double>(op.scale) / sum);
    for_lanes(op.vocabulary, [&](int64_t j, auto lanes) ESPALIER_INLINED {
      lanes.store(gradient + j, lanes.load(gradient + j) * factor);
    });
    gradient[target] -= op.scale;
  }
  return target < 0 ? 0.0 : total - at_target;
}

double cross_entropy(const CrossEntropy& op) {
  const int64_t chunks = chunks_of(op.m);
  double losses[kMostChunks] = {};
#pragma omp parallel for schedule(static) num_threads(threads_for(op.m* op.vocabulary))
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    double loss = 0;
    for (int64_t i = op.m * chunk / chunks; i < op.m * (chunk + 1) / chunks; ++i) {
      loss += cross_entropy_row(op, i);
    }
    losses[chunk] = loss;
  }
  double sum = 0;
  for (int64_t chunk = 0; chunk < chunks; ++chunk) sum += losses[chunk];
  return sum;
}

}  // namespace
}  // namespace espalier::simd
