#pragma once

#include "kernels/simd/bodies/math.h"
#include "kernels/simd/bodies/parallel.h"

namespace espalier::simd {
namespace {

template <class Lanes>
ESPALIER_INLINE F load_biased(const float* row, const float* bias, int64_t j, Lanes lanes) {
  const F v = lanes.load(row + j);
  return bias == nullptr ? v : v + lanes.load(bias + j);
}

constexpr float kInverseRoot2Pi = 0.398942280F;

ESPALIER_INLINE F gelu_derivative(F x, const Normal& at) {
  return (x < 0.0F ? at.tail : 1.0F - at.tail) + x * (at.density * kInverseRoot2Pi);
}

void gelu_forward(const GeluForward& op) {
  for_rows(op.n, op.f, [=](int64_t begin, int64_t end) ESPALIER_INLINED {
    for (int64_t i = begin; i < end; ++i) {
      const float* h = op.h + i * op.f;
      float* a = op.a + i * op.f;
      float* derivative = op.derivative == nullptr ? nullptr : op.derivative + i * op.f;
      for_lanes(op.f, [&](int64_t j, auto lanes) ESPALIER_INLINED {
        const F x = load_biased(h, op.bias, j, lanes);
        const F t = absolute(x);
        const Normal at = normal(t);
        if (derivative != nullptr) lanes.store(derivative + j, gelu_derivative(x, at));
        lanes.store(a + j, max(F{}, x) - t * at.tail);
      });
    }
  });
}

/// Rows begin .. end; `sums` [f], if any, receives the column sums of dh.
ESPALIER_INLINE void gelu_backward_rows(const GeluBackward& op, int64_t begin, int64_t end, float* sums) {
  for (int64_t i = begin; i < end; ++i) {
    const float* h = op.h + i * op.f;
    const float* derivative = op.derivative + i * op.f;
    const float* da = op.da + i * op.f;
    float* dh = op.dh + i * op.f;
    for_lanes(op.f, [&](int64_t j, auto lanes) ESPALIER_INLINED {
      F slope;
      if (op.derivative != nullptr) {
        slope = lanes.load(derivative + j);
      } else {
        const F x = load_biased(h, op.bias, j, lanes);
        slope = gelu_derivative(x, normal(absolute(x)));
      }
      const F g = lanes.load(da + j) * slope;
      lanes.store(dh + j, g);
      if (sums != nullptr) add_to(sums + j, g, lanes);
    });
  }
}

void gelu_backward(const GeluBackward& op) {
  if (op.dbias == nullptr) {
    for_rows(op.n, op.f, [=](int64_t begin, int64_t end) ESPALIER_INLINED {
      gelu_backward_rows(op, begin, end, nullptr);
    });
    return;
  }
  sum_over_rows(
      op.n, op.f,
      [=](int64_t begin, int64_t end, float* sums)
          ESPALIER_INLINED { gelu_backward_rows(op, begin, end, sums); },
      [&](const float* totals) { copy_row(op.dbias, totals, op.f); });
}

void dropout(const float* x, float* y, int64_t count, DropoutKey key) {
  if (key.p <= 0 && x == y) return;
  with_mask(key, [&](auto mask) {
    for_elements(count, [=](int64_t begin, int64_t end) ESPALIER_INLINED {
      for_lanes(end - begin, [&](int64_t j, auto lanes) ESPALIER_INLINED {
        const int64_t i = begin + j;
        lanes.store(y + i, mask.apply(lanes.load(x + i), i));
      });
    });
  });
}

/// 1 / (1 + e^-x)
ESPALIER_INLINE F sigmoid(F x) {
  // e^-|x| never overflows: for negative x it is e^x / (1 + e^x).
  const F e = exponential(-absolute(x));
  return (x < 0.0F ? e : splat(1.0F)) / (1.0F + e);
}

/// x / (1 + e^-x)
ESPALIER_INLINE F silu(F x) {
  return x * sigmoid(x);
}

/// tanh: an odd polynomial (Cephes' tanhf) near 0, where 1 - e^-2x would cancel.
ESPALIER_INLINE F hyperbolic_tangent(F x) {
  const F t = absolute(x);
  const F e = exponential(t * -2.0F);
  const F far = (1.0F - e) / (1.0F + e);
  const F square = x * x;
  F p = splat(-5.70498872745e-3F);
  p = p * square + 2.06390887954e-2F;
  p = p * square + -5.37397155531e-2F;
  p = p * square + 1.33314422036e-1F;
  p = p * square + -3.33332819422e-1F;
  const F near = p * square * x + x;
  const I sign = float_to_bits(x) & static_cast<std::int32_t>(0x80000000);
  return t < 0.625F ? near : bits_to_float(float_to_bits(far) | sign);
}

void tanh_forward(const float* x, float* y, int64_t count) {
  for_elements(count, [=](int64_t begin, int64_t end) ESPALIER_INLINED {
    for_lanes(end - begin, [&](int64_t j, auto lanes) ESPALIER_INLINED {
      lanes.store(y + begin + j, hyperbolic_tangent(lanes.load(x + begin + j)));
    });
  });
}

void tanh_backward(const float* dy, const float* y, float* dx, int64_t count) {
  for_elements(count, [=](int64_t begin, int64_t end) ESPALIER_INLINED {
    for_lanes(end - begin, [&](int64_t j, auto lanes) ESPALIER_INLINED {
      const F v = lanes.load(y + begin + j);
      lanes.store(dx + begin + j, lanes.load(dy + begin + j) * (1.0F - v * v));
    });
  });
}

}  // namespace
}  // namespace espalier::simd
