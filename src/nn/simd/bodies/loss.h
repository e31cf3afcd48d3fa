#pragma once

#include "nn/simd/bodies/embedding.h"
#include "nn/simd/bodies/softmax.h"

namespace espalier::simd {
namespace {

/// Sums of exponentials are kept in float over this many columns and in double over the blocks.
constexpr int64_t kBlock = 1024;

/// log sum exp of a row.
ESPALIER_INLINE double log_sum_exp(const float* logits, int64_t n, float* largest) {
  F most = splat(-kInfinity);
  for_lanes(n, [&](int64_t j, auto lanes)
                   ESPALIER_INLINED { most = max(lanes.load(logits + j, -kInfinity), most); });
  *largest = max_of_lanes(most);
  const float from = *largest == -kInfinity ? 0.0F : *largest;
  double sum = 0;
  for (int64_t block = 0; block < n; block += kBlock) {
    F part{};
    for_lanes(n - block < kBlock ? n - block : kBlock, [&](int64_t j, auto lanes) ESPALIER_INLINED {
      part += exponential(lanes.load(logits + block + j, -kInfinity) - from);
    });
    sum += static_cast<double>(sum_of_lanes(part));
  }
  return static_cast<double>(from) + __builtin_log(sum);
}

ESPALIER_INLINE double cross_entropy_row(const CrossEntropy& op, int64_t i) {
  const float* logits = op.logits + i * op.vocabulary;
  const int64_t target = id_at(op.targets, i);
  float largest = 0;
  const double total = log_sum_exp(logits, op.vocabulary, &largest);
  const double loss = target < 0 ? 0.0 : total - static_cast<double>(logits[target]);
  if (op.log_sum_exp != nullptr) op.log_sum_exp[i] = static_cast<float>(total);
  if (op.dlogits == nullptr) return loss;
  float* gradient = op.dlogits + i * op.vocabulary;
  if (target < 0) {
    clear_row(gradient, 0, op.vocabulary);
    return loss;
  }
  const float inverse = static_cast<float>(__builtin_exp(static_cast<double>(largest) - total)) * op.scale;
  for_lanes(op.vocabulary, [&](int64_t j, auto lanes) ESPALIER_INLINED {
    lanes.store(gradient + j, exponential(lanes.load(logits + j) - largest) * inverse);
  });
  gradient[target] -= op.scale;
  return loss;
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
