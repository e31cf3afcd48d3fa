#pragma once

#include "kernels/simd/bodies/activation.h"
#include "kernels/simd/bodies/pack.h"
#include "kernels/simd/bodies/parallel.h"

/// Several products of few rows, x [n, d] W^T for n below about a thousand, with large weights: rows are
/// packed once, as gemm's right side is (pack.h), and stay so from product to product; W is read as it lies,
/// or decoded a few rows at a time.
namespace espalier::simd {
namespace {

/// Floats of panels that stay in the second-level cache while rows of W go by.
constexpr int64_t kCachedFloats = 192 * 1024;
/// Rows of W that a thread takes at a time: on a shared machine threads are not equally fast.
constexpr int64_t kWeightRows = 4 * kTileRows;

int64_t panel_floats(int64_t n, int64_t d) {
  return (n + kLanes - 1) / kLanes * kLanes * d;
}

ESPALIER_INLINE int64_t panels_of(int64_t n) {
  return (n + kPanelColumns - 1) / kPanelColumns;
}

/// Panel p of n rows: the first one and how many vectors it has.
struct Panel {
  int64_t row;
  int vectors;
};
ESPALIER_INLINE Panel panel_at(int64_t n, int64_t p) {
  int64_t row = p * kPanelColumns;
  if (p > 0) row += next_vectors(n - row + kPanelColumns) * kLanes - kPanelColumns;
  return {row, next_vectors(n - row)};
}

void pack_panels(const PackPanels& op) {
  for_rows(panels_of(op.n), kPanelColumns * op.d, [=](int64_t begin, int64_t end) ESPALIER_INLINED {
    const Side x{op.x, op.stride, 1, op.n, op.index};
    for (int64_t p = begin; p < end; ++p) {
      const Panel panel = panel_at(op.n, p);
      pack_panel(x.from(panel.row, 0, op.n - panel.row), op.d, panel.vectors, op.panels + panel.row * op.d);
    }
  });
}

/// The rows of one vector of a panel.
ESPALIER_INLINE void unpack_turned(const UnpackPanels& op, const float* panel, int64_t stride, int64_t row) {
  const int64_t count = op.n - row < kLanes ? op.n - row : kLanes;
  float* x = op.x + row * op.stride;
  const bool add = op.store == PanelStore::kAdd;
  int64_t k = 0;
  for (; k + kLanes <= op.d; k += kLanes) {
    F rows[kLanes];
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) rows[i] = AllLanes{}.load(panel + (k + i) * stride);
    transpose(rows);
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) {
      float* to = x + i * op.stride + k;
      if (i < count) AllLanes{}.store(to, add ? AllLanes{}.load(to) + rows[i] : rows[i]);
    }
  }
  for (; k < op.d; ++k)
    for (int64_t i = 0; i < count; ++i) {
      float* to = x + i * op.stride + k;
      *to = add ? *to + panel[k * stride + i] : panel[k * stride + i];
    }
}

void unpack_panels(const UnpackPanels& op) {
  for_rows(panels_of(op.n), kPanelColumns * op.d, [=](int64_t begin, int64_t end) ESPALIER_INLINED {
    for (int64_t p = begin; p < end; ++p) {
      const Panel panel = panel_at(op.n, p);
      for (int v = 0; v < panel.vectors && panel.row + v * kLanes < op.n; ++v)
        unpack_turned(op, op.panels + panel.row * op.d + v * kLanes, panel.vectors * kLanes,
                      panel.row + v * kLanes);
    }
  });
}

/// Where a tile's sums go in panels: rows of W are numbers along k there.
struct PanelOutput {
  float* c;
  int64_t across;
  PanelGate gate;
};

template <int R, int V>
ESPALIER_INLINE void fetch_output(const PanelOutput& /*out*/) {}

template <int R, int V>
ESPALIER_INLINE void store_tile(const F (&sums)[R][V], const PanelOutput& out) {
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 3
    for (int v = 0; v < V; ++v) {
      float* to = out.c + r * out.across + v * kLanes;
      AllLanes{}.store(to,
                       out.gate == PanelGate::kNone ? sums[r][v] : silu(AllLanes{}.load(to)) * sums[r][v]);
    }
  }
}

/// Rows f .. f + rows of W, which lie at `w`, times panel `p`; `ahead`: floats to rows of W that come after
/// them.
ESPALIER_INLINE void multiply_weight_rows(const PanelProduct& op, const float* w, int64_t ahead, int64_t f,
                                          int64_t rows, int64_t p) {
  const Panel panel = panel_at(op.n, p);
  const int64_t width = panel.vectors * kLanes;
  const PackedPanel x{op.x + panel.row * op.in};
  const PanelOutput y{op.y + panel.row * op.out + f * width, width, op.gate};
  if (rows == kTileRows)
    multiply_tiles<kTileRows>(panel.vectors, 1, op.in, LeftRows{w, op.in, ahead}, x, y);
  else
    multiply_tiles<1>(panel.vectors, rows, op.in, LeftRows{w, op.in, 0}, x, y);
}

/// kWeightRows rows of W from `f` on times panels first .. last.
ESPALIER_INLINE void multiply_weight_chunk(const PanelProduct& op, int64_t f, int64_t first, int64_t last,
                                           float* decoded) {
  const int64_t end = f + kWeightRows < op.out ? f + kWeightRows : op.out;
  if (op.encoded != nullptr) op.encoded->decode(op.encoded->rows, f, end - f, decoded);
  const float* w = op.encoded != nullptr ? decoded : op.weight + f * op.in;
  for (; f < end; f += kTileRows, w += kTileRows * op.in) {
    const bool more = op.encoded == nullptr && f + 2 * kTileRows <= op.out;
    for (int64_t p = first; p < last; ++p)
      multiply_weight_rows(op, w, more && p + 1 == last ? kTileRows * op.in : 0, f,
                           end - f < kTileRows ? end - f : kTileRows, p);
  }
}

void panel_product(const PanelProduct& op) {
  const int64_t panels = panels_of(op.n), chunks = (op.out + kWeightRows - 1) / kWeightRows;
  const int64_t fitting = kCachedFloats / (kPanelColumns * op.in), group = fitting < 1 ? 1 : fitting;
#pragma omp parallel num_threads(threads_for(op.in* op.out))
  {
    const PanelProduct own = op;
    const Scratch decoded(own.encoded == nullptr ? 0 : kWeightRows * own.in);
    for (int64_t first = 0; first < panels; first += group) {
      const int64_t last = first + group < panels ? first + group : panels;
#pragma omp for schedule(dynamic, 1) nowait
      for (int64_t chunk = 0; chunk < chunks; ++chunk)
        multiply_weight_chunk(own, chunk * kWeightRows, first, last, decoded.data());
    }
  }
}

}  // namespace
}  // namespace espalier::simd
