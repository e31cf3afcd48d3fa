#pragma once

#include "kernels/simd/bodies/activation.h"

namespace espalier::simd {
namespace {

/// z of row i, written to `z`; the sum of its elements.
template <class Mask>
ESPALIER_INLINE float residual_row(const LayerNormForward& op, const Mask& mask, int64_t i, float* z) {
  const float* x = op.x + i * op.d;
  const float* residual = op.residual == nullptr ? nullptr : op.residual + i * op.d;
  return sum_of_lanes(sum_lanes(op.d, [&](int64_t j, auto lanes) ESPALIER_INLINED {
    F v = mask.apply(load_biased(x, op.bias, j, lanes), i * op.d + j);
    if (residual != nullptr) v += lanes.load(residual + j);
    lanes.store(z + j, v);
    return lanes.only(v);
  }));
}

/// y of row i from its z.
ESPALIER_INLINE void normalise_row(const LayerNormForward& op, int64_t i, const float* z, float sum) {
  const float width = static_cast<float>(op.d);
  const float mean = sum / width;
  const F squares = sum_lanes(op.d, [&](int64_t j, auto lanes) ESPALIER_INLINED {
    const F centred = lanes.only(lanes.load(z + j) - mean);
    return centred * centred;
  });
  const float rstd = 1.0F / __builtin_sqrtf(sum_of_lanes(squares) / width + op.eps);
  if (op.mean != nullptr) op.mean[i] = mean;
  if (op.rstd != nullptr) op.rstd[i] = rstd;
  float* y = op.y + i * op.d;
  for_lanes(op.d, [&](int64_t j, auto lanes) ESPALIER_INLINED {
    const F normalised = (lanes.load(z + j) - mean) * rstd;
    lanes.store(y + j, normalised * lanes.load(op.gamma + j) + lanes.load(op.beta + j));
  });
}

void layer_norm_forward(const LayerNormForward& op) {
  with_mask(op.dropout, [&](auto mask) {
    for_rows(op.n, op.d, [=](int64_t begin, int64_t end) ESPALIER_INLINED {
      for (int64_t i = begin; i < end; ++i) {
        // Without a buffer of its own, z passes through y.
        float* z = (op.z == nullptr ? op.y : op.z) + i * op.d;
        normalise_row(op, i, z, residual_row(op, mask, i, z));
      }
    });
  });
}

/// The three column sums of a chunk; `bias` may be null.
struct LayerNormSums {
  float* gamma;
  float* beta;
  float* bias;
};

template <class Mask>
ESPALIER_INLINE void layer_norm_backward_row(const LayerNormBackward& op, const Mask& mask, int64_t i,
                                             const LayerNormSums& sums) {
  const float* dy = op.dy + i * op.d;
  const float* z = op.z + i * op.d;
  const float mean = op.mean[i];
  const float rstd = op.rstd[i];
  F sum{};
  F sum_normalised{};
  for_lanes(op.d, [&](int64_t j, auto lanes) ESPALIER_INLINED {
    const F gradient = lanes.load(dy + j);
    const F normalised = (lanes.load(z + j) - mean) * rstd;
    add_to(sums.gamma + j, gradient * normalised, lanes);
    add_to(sums.beta + j, gradient, lanes);
    const F scaled = lanes.only(gradient * lanes.load(op.gamma + j));
    sum += scaled;
    sum_normalised += scaled * normalised;
  });
  const float width = static_cast<float>(op.d);
  const float c1 = sum_of_lanes(sum) / width;
  const float c2 = sum_of_lanes(sum_normalised) / width;
  for_lanes(op.d, [&](int64_t j, auto lanes) ESPALIER_INLINED {
    const F normalised = (lanes.load(z + j) - mean) * rstd;
    const F dz = (lanes.load(dy + j) * lanes.load(op.gamma + j) - c1 - normalised * c2) * rstd;
    lanes.store(op.dz + i * op.d + j, dz);
    const F dx = mask.apply(dz, i * op.d + j);
    if (op.dx != nullptr) lanes.store(op.dx + i * op.d + j, dx);
    if (sums.bias != nullptr) add_to(sums.bias + j, dx, lanes);
  });
}

void layer_norm_backward(const LayerNormBackward& op) {
  const int64_t columns = op.dbias == nullptr ? 2 : 3;
  with_mask(op.dropout, [&](auto mask) {
    sum_over_rows(
        op.n, columns * op.d,
        [=](int64_t begin, int64_t end, float* sums) ESPALIER_INLINED {
          const LayerNormSums part{sums, sums + op.d, op.dbias == nullptr ? nullptr : sums + 2 * op.d};
          for (int64_t i = begin; i < end; ++i) layer_norm_backward_row(op, mask, i, part);
        },
        [&](const float* totals) {
          copy_row(op.dgamma, totals, op.d);
          copy_row(op.dbeta, totals + op.d, op.d);
          if (op.dbias != nullptr) copy_row(op.dbias, totals + 2 * op.d, op.d);
        });
  });
}

}  // namespace
}  // namespace espalier::simd
