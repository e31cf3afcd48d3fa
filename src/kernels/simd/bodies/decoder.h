#pragma once

#include "kernels/simd/bodies/softmax.h"

/// What decoder-only models compute between their products.
namespace espalier::simd {
namespace {

ESPALIER_INLINE float sum_of_row_squares(const float* x, int64_t d) {
  return sum_of_lanes(sum_lanes(d, [&](int64_t j, auto lanes) ESPALIER_INLINED {
    const F v = lanes.load(x + j);
    return v * v;
  }));
}

void rms_norm(const RmsNorm& op) {
  for_rows(op.n, op.d, [=](int64_t begin, int64_t end) ESPALIER_INLINED {
    for (int64_t i = begin; i < end; ++i) {
      const float* x = op.x + i * op.x_stride;
      float* y = op.y + i * op.y_stride;
      const float mean = sum_of_row_squares(x, op.d) / static_cast<float>(op.d);
      const float scale = 1.0F / __builtin_sqrtf(mean + op.eps);
      for_lanes(op.d, [&](int64_t j, auto lanes) ESPALIER_INLINED {
        lanes.store(y + j, lanes.load(x + j) * scale * lanes.load(op.gamma + j));
      });
    }
  });
}

void silu_multiply(float* gate, const float* up, int64_t count) {
  for_elements(count, [=](int64_t begin, int64_t end) ESPALIER_INLINED {
    for_lanes(end - begin, [&](int64_t j, auto lanes) ESPALIER_INLINED {
      const int64_t i = begin + j;
      lanes.store(gate + i, silu(lanes.load(gate + i)) * lanes.load(up + i));
    });
  });
}

/// dx = r g - x r^3 (sum(g x) / d) with g = dy gamma and r = 1 / sqrt(mean(x^2) + eps); dgamma = sum of dy x
/// r.
void rms_norm_backward(const RmsNormBackward& op) {
  sum_over_rows(
      op.n, op.d,
      [=](int64_t begin, int64_t end, float* sums) ESPALIER_INLINED {
        for (int64_t i = begin; i < end; ++i) {
          const float* x = op.x + i * op.d;
          const float* dy = op.dy + i * op.d;
          const float width = static_cast<float>(op.d);
          const float r = 1.0F / __builtin_sqrtf(sum_of_row_squares(x, op.d) / width + op.eps);
          const float product = sum_of_lanes(sum_lanes(op.d, [&](int64_t j, auto lanes) ESPALIER_INLINED {
            const F v = lanes.load(x + j);
            const F gradient = lanes.load(dy + j);
            add_to(sums + j, gradient * v * r, lanes);
            return lanes.only(gradient * lanes.load(op.gamma + j) * v);
          }));
          const float along = product * r * r * r / width;
          for_lanes(op.d, [&](int64_t j, auto lanes) ESPALIER_INLINED {
            const F g = lanes.load(dy + j) * lanes.load(op.gamma + j);
            lanes.store(op.dx + i * op.d + j, g * r - lanes.load(x + j) * along);
          });
        }
      },
      [&](const float* totals) { copy_row(op.dgamma, totals, op.d); });
}

void silu_multiply_rows(const SiluMultiplyRows& op) {
  for (int64_t i = 0; i < op.n; ++i) {
    const float* gate = op.gate_up + i * 2 * op.f;
    float* a = op.a + i * op.a_stride;
    for_lanes(op.f, [&](int64_t j, auto lanes) ESPALIER_INLINED {
      lanes.store(a + j, silu(lanes.load(gate + j)) * lanes.load(gate + op.f + j));
    });
  }
}

void silu_multiply_backward(const SiluMultiplyBackward& op) {
  for (int64_t i = 0; i < op.n; ++i) {
    const float* gate = op.gate_up + i * 2 * op.f;
    const float* da = op.da + i * op.da_stride;
    float* dgate = op.dgate_up + i * op.stride;
    for_lanes(op.f, [&](int64_t j, auto lanes) ESPALIER_INLINED {
      const F g = lanes.load(gate + j);
      const F s = sigmoid(g);
      const F gradient = lanes.load(da + j);
      lanes.store(dgate + j, gradient * lanes.load(gate + op.f + j) * s * (1.0F + g * (1.0F - s)));
      lanes.store(dgate + op.f + j, gradient * g * s);
    });
  }
}

ESPALIER_INLINE void turn_halves(float* x, const float* cosine, const float* sine, int64_t half) {
  for_lanes(half, [&](int64_t j, auto lanes) ESPALIER_INLINED {
    const F a = lanes.load(x + j);
    const F b = lanes.load(x + half + j);
    const F c = lanes.load(cosine + j);
    const F s = lanes.load(sine + j);
    lanes.store(x + j, a * c - b * s);
    lanes.store(x + half + j, b * c + a * s);
  });
}

ESPALIER_INLINE void turn_neighbours(float* x, const float* cosine, const float* sine, int64_t half) {
  for (int64_t j = 0; j < half; ++j) {
    const float a = x[2 * j];
    const float b = x[2 * j + 1];
    x[2 * j] = a * cosine[j] - b * sine[j];
    x[2 * j + 1] = b * cosine[j] + a * sine[j];
  }
}

void rope(const Rope& op) {
  const int64_t half = op.width / 2;
  for_rows(op.n, op.heads * op.width, [=](int64_t begin, int64_t end) ESPALIER_INLINED {
    for (int64_t i = begin; i < end; ++i) {
      for (int64_t h = 0; h < op.heads; ++h) {
        float* x = op.x + i * op.stride + h * op.head_stride;
        if (op.pairs == RopePairs::kHalves) {
          turn_halves(x, op.cosine + i * half, op.sine + i * half, half);
        } else {
          turn_neighbours(x, op.cosine + i * half, op.sine + i * half, half);
        }
      }
    }
  });
}

void causal_softmax(const CausalSoftmax& op) {
  for (int64_t i = 0; i < op.rows; ++i) {
    float* row = op.scores + i * op.keys;
    const int64_t end = op.first + i + 1;
    int64_t begin = op.window > 0 && end > op.window ? end - op.window : 0;
    if (op.chunk > 0) {
      const int64_t own = (op.position + end - 1) / op.chunk * op.chunk - op.position;
      begin = own > 0 ? own : 0;
    }
    const float sum = exponentials(row + begin, ScaledRow{row + begin, op.scale}, end - begin,
                                   op.sink == nullptr ? -kInfinity : *op.sink);
    const float inverse = 1.0F / sum;
    for_lanes(end - begin, [&](int64_t j, auto lanes) ESPALIER_INLINED {
      lanes.store(row + begin + j, lanes.load(row + begin + j) * inverse);
    });
    clear_row(row, 0, begin);
    clear_row(row, end, op.keys);
  }
}

void scatter_rows(const ScatterRows& op) {
  for_rows(op.rows, op.d, [=](int64_t begin, int64_t end) ESPALIER_INLINED {
    for (int64_t r = begin; r < end; ++r) {
      const float* x = op.x + r * op.d;
      float* y = op.y + op.token[r] * op.d;
      const float gate = op.gates[r];
      for_lanes(op.d, [&](int64_t j, auto lanes) ESPALIER_INLINED {
        lanes.store(y + j, lanes.load(y + j) + lanes.load(x + j) * gate);
      });
    }
  });
}

void row_norms(const float* x, int64_t rows, int64_t d, float* norms) {
  for_rows(rows, d, [=](int64_t begin, int64_t end) ESPALIER_INLINED {
    for (int64_t r = begin; r < end; ++r) norms[r] = __builtin_sqrtf(sum_of_row_squares(x + r * d, d));
  });
}

}  // namespace
}  // namespace espalier::simd
