#include "infer/causal_attention.h"

#include <algorithm>
#include <vector>

#include "kernels/gemm.h"
#include "kernels/simd/kernels.h"

namespace espalier::infer {
namespace {

/// Floats of a block of scores, so that it stays in the second-level cache from product to product.
constexpr std::int64_t kBlockFloats = 1 << 17;
constexpr std::int64_t kFewestRows = 16;
constexpr std::int64_t kMostRows = 256;

/// Queries first .. first + rows of one head, and the keys that any of them sees.
struct Block {
  std::int64_t head, first, rows;
  std::int64_t key, keys;
};

Block block_of(const CausalAttention& a, std::int64_t head, std::int64_t first, std::int64_t rows) {
  const auto past = a.keys - a.queries;  // position of query 0
  const auto end = past + first + rows;
  auto key = a.window > 0 ? std::max<std::int64_t>(0, past + first + 1 - a.window) : 0;
  if (a.chunk > 0) key = (past + first) / a.chunk * a.chunk;
  return {head, first, rows, key, end - key};
}

void attend(const CausalAttention& a, const Block& b, std::vector<float>& scores) {
  const auto kv_head = b.head / (a.heads / a.key_value_heads);
  const auto needed = static_cast<std::size_t>(b.rows * b.keys);
  if (scores.size() < needed) scores.resize(needed);
  float* p = scores.data();
  const float* k = a.k + b.key * a.k_stride + kv_head * a.key_width;
  const float* v = a.v + b.key * a.v_stride + kv_head * a.value_width;
  kernels::gemm(b.rows, b.keys, a.key_width, {a.q + b.first * a.q_stride + b.head * a.key_width, a.q_stride},
                {k, a.k_stride, true}, 0, p, b.keys);
  simd::kernels().causal_softmax({.scores = p,
                                  .rows = b.rows,
                                  .keys = b.keys,
                                  .first = a.keys - a.queries + b.first - b.key,
                                  .window = a.window,
                                  .scale = a.scale,
                                  .chunk = a.chunk,
                                  .position = b.key,
                                  .sink = a.sinks == nullptr ? nullptr : a.sinks + b.head});
  kernels::gemm(b.rows, a.value_width, b.keys, {p, b.keys}, {v, a.v_stride}, 0,
                a.out + b.first * a.out_stride + b.head * a.value_width, a.out_stride);
}

}  // namespace

void causal_attention(const CausalAttention& a) {
  if (a.queries == 0) return;
  const auto rows = std::clamp(kBlockFloats / a.keys, kFewestRows, kMostRows);
  const auto blocks = (a.queries + rows - 1) / rows;
#pragma omp parallel
  {
    std::vector<float> scores;
    // The last blocks see most keys: they go first.
#pragma omp for schedule(dynamic, 1)
    for (std::int64_t i = 0; i < blocks * a.heads; ++i) {
      const auto first = (blocks - 1 - i / a.heads) * rows;
      attend(a, block_of(a, i % a.heads, first, std::min(rows, a.queries - first)), scores);
    }
  }
}

}  // namespace espalier::infer
