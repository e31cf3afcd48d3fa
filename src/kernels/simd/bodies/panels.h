#pragma once

#include "kernels/simd/bodies/activation.h"

/// Products of few rows with a large weight: x [n, d] W^T for n below about a thousand. A library that packs
/// W for every call pays more for packing than for multiplying. Here the rows are packed instead, once, so
/// that tokens lie in the lanes of a vector, and W is read as it lies, one element for all lanes at a time.
///
/// A panel holds 3 kLanes tokens: [d][3 kLanes]; the last one only as many vectors as it needs.
namespace espalier::simd {
namespace {

constexpr int64_t kPanelVectors = 3;
constexpr int64_t kPanelTokens = kPanelVectors * kLanes;
/// Rows of W at a time: with three vectors of tokens their sums just fit the registers.
constexpr int64_t kPanelRows = kLanes == 16 ? 8 : 4;
/// Floats of panels that stay in the second-level cache while rows of W go by.
constexpr int64_t kCachedFloats = 192 * 1024;

int64_t panel_floats(int64_t n, int64_t d) {
  return (n + kLanes - 1) / kLanes * kLanes * d;
}

/// Vectors of panel `p`.
ESPALIER_INLINE int64_t vectors_of(int64_t n, int64_t p) {
  const int64_t left = (n - p * kPanelTokens + kLanes - 1) / kLanes;
  return left < kPanelVectors ? left : kPanelVectors;
}
ESPALIER_INLINE int64_t panels_of(int64_t n) {
  return (n + kPanelTokens - 1) / kPanelTokens;
}

void pack_panels(const PackPanels& op) {
  for_rows(panels_of(op.n), kPanelTokens * op.d, [=](int64_t begin, int64_t end) ESPALIER_INLINED {
    for (int64_t p = begin; p < end; ++p) {
      float* panel = op.panels + p * kPanelTokens * op.d;
      const int64_t width = vectors_of(op.n, p) * kLanes;
      for (int64_t lane = 0; lane < width; ++lane) {
        const int64_t row = p * kPanelTokens + lane;
        if (row >= op.n) {
          for (int64_t j = 0; j < op.d; ++j) panel[j * width + lane] = 0;
          continue;
        }
        const float* x = op.x + (op.index == nullptr ? row : op.index[row]) * op.stride;
        for (int64_t j = 0; j < op.d; ++j) panel[j * width + lane] = x[j];
      }
    }
  });
}

void unpack_panels(const UnpackPanels& op) {
  for_rows(panels_of(op.n), kPanelTokens * op.d, [=](int64_t begin, int64_t end) ESPALIER_INLINED {
    for (int64_t p = begin; p < end; ++p) {
      const float* panel = op.panels + p * kPanelTokens * op.d;
      const int64_t width = vectors_of(op.n, p) * kLanes;
      for (int64_t lane = 0; lane < width && p * kPanelTokens + lane < op.n; ++lane) {
        float* x = op.x + (p * kPanelTokens + lane) * op.stride;
        if (op.store == PanelStore::kOverwrite) {
          for (int64_t j = 0; j < op.d; ++j) x[j] = panel[j * width + lane];
        } else {
          for (int64_t j = 0; j < op.d; ++j) x[j] += panel[j * width + lane];
        }
      }
    }
  });
}

/// y[f, tokens] for R rows of W and V vectors of tokens. `next` is W's rows that come after these: asked for
/// from memory while these are multiplied.
template <int R, int V>
ESPALIER_INLINE void panel_block(const PanelProduct& op, const float* w, const float* x, float* y,
                                 const float* next) {
  F sums[R][V] = {};
  for (int64_t k = 0; k < op.in; ++k) {
    if (next != nullptr && k % 16 == 0) {
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) __builtin_prefetch(next + r * op.in + k, 0, 2);
    }
    F tokens[V];
#pragma GCC unroll 3
    for (int v = 0; v < V; ++v) tokens[v] = AllLanes{}.load(x + (k * V + v) * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const F weight = splat(w[r * op.in + k]);
#pragma GCC unroll 3
      for (int v = 0; v < V; ++v) sums[r][v] += weight * tokens[v];
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 3
    for (int v = 0; v < V; ++v) {
      float* to = y + (r * V + v) * kLanes;
      const F sum = sums[r][v];
      AllLanes{}.store(to, op.gate == PanelGate::kNone ? sum : silu(AllLanes{}.load(to)) * sum);
    }
  }
}

template <int V>
ESPALIER_INLINE void panel_rows(const PanelProduct& op, int64_t f, int64_t rows, const float* x, float* y,
                                bool last_use) {
  const float* w = op.weight + f * op.in;
  if (rows == kPanelRows) {
    const bool more = last_use && f + 2 * kPanelRows <= op.out;
    return panel_block<kPanelRows, V>(op, w, x, y, more ? w + kPanelRows * op.in : nullptr);
  }
  for (int64_t r = 0; r < rows; ++r) panel_block<1, V>(op, w + r * op.in, x, y + r * V * kLanes, nullptr);
}

/// Rows f .. f + rows of W times panel `p`.
ESPALIER_INLINE void panel_product_block(const PanelProduct& op, int64_t f, int64_t rows, int64_t p,
                                         bool last_use) {
  const int64_t vectors = vectors_of(op.n, p);
  const float* x = op.x + p * kPanelTokens * op.in;
  float* y = op.y + p * kPanelTokens * op.out + f * vectors * kLanes;
  if (vectors == 3) return panel_rows<3>(op, f, rows, x, y, last_use);
  if (vectors == 2) return panel_rows<2>(op, f, rows, x, y, last_use);
  panel_rows<1>(op, f, rows, x, y, last_use);
}

/// Threads take a few blocks of rows of W at a time: on a shared machine they are not equally fast.
void panel_product(const PanelProduct& op) {
  constexpr int64_t kBlocksATime = 4;
  const int64_t panels = panels_of(op.n);
  const int64_t blocks = (op.out + kPanelRows - 1) / kPanelRows;
  const int64_t fitting = kCachedFloats / (kPanelTokens * op.in);
  const int64_t group = fitting < 1 ? 1 : fitting;
#pragma omp parallel num_threads(threads_for(op.in* op.out))
  {
    const PanelProduct own = op;
    for (int64_t first = 0; first < panels; first += group) {
      const int64_t last = first + group < panels ? first + group : panels;
#pragma omp for schedule(dynamic, kBlocksATime) nowait
      for (int64_t b = 0; b < blocks; ++b) {
        const int64_t f = b * kPanelRows;
        const int64_t rows = own.out - f < kPanelRows ? own.out - f : kPanelRows;
        for (int64_t p = first; p < last; ++p) panel_product_block(own, f, rows, p, p + 1 == last);
      }
    }
  }
}

}  // namespace
}  // namespace espalier::simd
