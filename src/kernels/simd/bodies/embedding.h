#pragma once

#include "kernels/simd/bodies/math.h"
#include "kernels/simd/bodies/parallel.h"

namespace espalier::simd {
namespace {

ESPALIER_INLINE int64_t id_at(const Ids& ids, int64_t i) {
  return ids.wide != nullptr ? ids.wide[i] : static_cast<int64_t>(ids.narrow[i]);
}

ESPALIER_INLINE int64_t id_or(const Ids& ids, int64_t i, int64_t absent) {
  return ids.wide == nullptr && ids.narrow == nullptr ? absent : id_at(ids, i);
}

void embedding_forward(const EmbeddingForward& op) {
  for_rows(op.n, op.d, [=](int64_t begin, int64_t end) ESPALIER_INLINED {
    for (int64_t i = begin; i < end; ++i) {
      const float* word = op.word + id_at(op.ids, i) * op.d;
      const float* position =
          op.position == nullptr ? nullptr : op.position + id_or(op.positions, i, i % op.length) * op.d;
      const float* type = op.type == nullptr ? nullptr : op.type + id_or(op.types, i, 0) * op.d;
      for_lanes(op.d, [&](int64_t j, auto lanes) ESPALIER_INLINED {
        F v = lanes.load(word + j);
        if (position != nullptr) v += lanes.load(position + j);
        if (type != nullptr) v += lanes.load(type + j);
        lanes.store(op.out + i * op.d + j, v);
      });
    }
  });
}

/// Columns begin .. end of every row in turn.
void embedding_backward_columns(const EmbeddingBackward& op, int64_t begin, int64_t end) {
  for (int64_t i = 0; i < op.n; ++i) {
    const float* dout = op.dout + i * op.d + begin;
    float* word = op.dword + id_at(op.ids, i) * op.d + begin;
    float* position = op.dposition == nullptr
                          ? nullptr
                          : op.dposition + id_or(op.positions, i, i % op.length) * op.d + begin;
    float* type = op.dtype == nullptr ? nullptr : op.dtype + id_or(op.types, i, 0) * op.d + begin;
    for_lanes(end - begin, [&](int64_t j, auto lanes) ESPALIER_INLINED {
      const F g = lanes.load(dout + j);
      add_to(word + j, g, lanes);
      if (position != nullptr) add_to(position + j, g, lanes);
      if (type != nullptr) add_to(type + j, g, lanes);
    });
  }
}

/// Threads share the columns, not the rows: no two write to one place, and rows are always added in order,
/// however often a word occurs.
void embedding_backward(const EmbeddingBackward& op) {
  constexpr int64_t kLine = 16;  // floats
  for_rows((op.d + kLine - 1) / kLine, op.n * kLine, [=](int64_t begin, int64_t end) ESPALIER_INLINED {
    embedding_backward_columns(op, begin * kLine, end * kLine < op.d ? end * kLine : op.d);
  });
}

}  // namespace
}  // namespace espalier::simd
