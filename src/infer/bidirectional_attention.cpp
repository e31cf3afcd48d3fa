#include "infer/bidirectional_attention.h"

#include <cmath>

#include "base/buffer.h"
#include "kernels/gemm.h"
#include "kernels/simd/kernels.h"

namespace espalier::infer {
namespace {

/// T tokens from `first` on, one head: `column` is its first inside D.
struct Block {
  std::int64_t first, T, column, width, D;
};

void attend(const Block& b, const float* qkv, float* out, float* scores) {
  const auto row = 3 * b.D;
  const float* q = qkv + b.first * row + b.column;
  kernels::gemm(b.T, b.T, b.width, {q, row}, {q + b.D, row, true}, 0, scores, b.T);
  simd::kernels().attention_softmax(
      {.scores = scores,
       .batch = 1,
       .rows = b.T,
       .keys = b.T,
       .scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(b.width)))});
  kernels::gemm(b.T, b.width, b.T, {scores, b.T}, {q + 2 * b.D, row}, 0, out + b.first * b.D + b.column, b.D);
}

}  // namespace

void bidirectional_attention(const SequenceLayout& layout, std::int64_t heads, std::int64_t D,
                             const float* qkv, float* out) {
  const auto width = D / heads, longest = layout.longest();
#pragma omp parallel
  {
    Buffer<float> scores(longest * longest);
#pragma omp for schedule(dynamic, 1)
    for (std::int64_t i = 0; i < layout.sequences() * heads; ++i) {
      const auto b = i / heads;
      attend({layout.begin(b), layout.length(b), i % heads * width, width, D}, qkv, out, scores.data());
    }
  }
}

}  // namespace espalier::infer
