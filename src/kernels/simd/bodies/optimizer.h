#pragma once

#include "kernels/simd/bodies/math.h"
#include "kernels/simd/bodies/parallel.h"

namespace espalier::simd {
namespace {

ESPALIER_INLINE F square_root(F v) {
  for (int k = 0; k < kLanes; ++k) v[k] = __builtin_sqrtf(v[k]);
  return v;
}

void adamw(const AdamW& op) {
  const double step = static_cast<double>(op.step);
  const double rate = static_cast<double>(op.learning_rate);
  const double correction1 = 1.0 - __builtin_pow(static_cast<double>(op.beta1), step);
  const double correction2 = 1.0 - __builtin_pow(static_cast<double>(op.beta2), step);
  const float keep = static_cast<float>(1.0 - rate * static_cast<double>(op.weight_decay));
  const float step_size = static_cast<float>(rate / correction1);
  const float root2 = static_cast<float>(1.0 / __builtin_sqrt(correction2));
  const float rest1 = 1.0F - op.beta1;
  const float rest2 = 1.0F - op.beta2;
  for_elements(op.count, [=](int64_t begin, int64_t end) ESPALIER_INLINED {
    for_lanes(end - begin, [&](int64_t j, auto lanes) ESPALIER_INLINED {
      const int64_t i = begin + j;
      const F g = lanes.load(op.gradients + i) * op.gradient_scale;
      const F m = lanes.load(op.first_moment + i) * op.beta1 + g * rest1;
      const F v = lanes.load(op.second_moment + i) * op.beta2 + g * g * rest2;
      const F update = m * step_size / (square_root(v) * root2 + op.eps);
      lanes.store(op.first_moment + i, m);
      lanes.store(op.second_moment + i, v);
      lanes.store(op.parameters + i, lanes.load(op.parameters + i) * keep - update);
    });
  });
}

double sum_of_squares(const float* x, int64_t count) {
  const int64_t chunks = chunks_of(count / 1024);
  double sums[kMostChunks + 1] = {};
#pragma omp parallel for schedule(static) num_threads(threads_for(count))
  for (int64_t chunk = 0; chunk <= chunks; ++chunk) {
    if (chunk == chunks && chunks > 0) continue;
    const int64_t begin = chunks == 0 ? 0 : count * chunk / chunks;
    const int64_t end = chunks == 0 ? count : count * (chunk + 1) / chunks;
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = begin; i < end; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    sums[chunk] = sum;
  }
  double total = 0;
  for (const double sum : sums) total += sum;
  return total;
}

}  // namespace
}  // namespace espalier::simd
