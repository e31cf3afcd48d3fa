#include "infer/key_indexer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/parallel.h"
#include "kernels/gemm.h"

namespace espalier::infer {
namespace {

constexpr double kKeyEpsilon = 1e-6;

/// The indices of the `most` largest of `scores`, ascending; of equal ones the first.
void largest(std::span<const float> scores, std::int64_t most, std::vector<std::int32_t>& order,
             std::int32_t* to) {
  order.resize(scores.size());
  std::iota(order.begin(), order.end(), 0);
  std::nth_element(
      order.begin(), order.begin() + (most - 1), order.end(), [&](std::int32_t a, std::int32_t b) {
        const float x = scores[static_cast<std::size_t>(a)], y = scores[static_cast<std::size_t>(b)];
        return x > y || (x == y && a < b);
      });
  std::copy_n(order.begin(), most, to);
  std::sort(to, to + most);
}

}  // namespace

ReadyKeyIndexer::ReadyKeyIndexer(const IndexerWeights& weights, const arch::LatentAttention& spec)
    : spec_(*spec.indexer),
      rotary_(spec.rotary),
      query_(weights.query),
      key_(weights.key),
      weight_(weights.weight),
      key_norm_(weights.key_norm, {arch::NormKind::kLayer, kKeyEpsilon}) {
  rotary_.pairs = spec_.pairs;
}

void ReadyKeyIndexer::choose(std::int64_t T, std::int64_t first, const float* h, const float* queries,
                             const RopeTable& rope, KeyValues* past, std::int32_t* chosen) const {
  const auto I = spec_.heads, w = spec_.width, end = first + T;
  Buffer<float> q(T * I * w), k(T * w), weights(T * I);
  query_.run(T, queries, query_.in(), LinearStore::kOverwrite, q.data(), I * w);
  key_.run(T, h, key_.in(), LinearStore::kOverwrite, k.data(), w);
  weight_.run(T, h, weight_.in(), LinearStore::kOverwrite, weights.data(), I);
  key_norm_.run(T, w, k.data(), k.data());
  turn(rotary_, rope, T, first, q.data(), I * w, I, w);
  turn(rotary_, rope, T, first, k.data(), w, 1, w);
  const float* keys = k.data();
  if (past != nullptr) {
    Buffer<float> all(end * w);
    std::copy_n(past->index.data(), first * w, all.data());
    std::copy_n(k.data(), T * w, all.data() + first * w);
    past->index = std::move(all);
    keys = past->index.data();
  }
  const float scale = 1.0F / std::sqrt(static_cast<float>(w) * static_cast<float>(I));
  parallel_for(T, 1, [&](std::int64_t begin, std::int64_t last) {
    Buffer<float> products(I * end), scores(end);
    std::vector<std::int32_t> order;
    for (std::int64_t t = begin; t < last; ++t) {
      const auto seen = first + t + 1;
      if (seen <= spec_.most) continue;
      kernels::gemm(I, seen, w, {q.data() + t * I * w, w}, {keys, w, true}, 0, products.data(), seen);
      for (std::int64_t j = 0; j < seen; ++j) {
        float sum = 0;
        for (std::int64_t i = 0; i < I; ++i)
          sum += weights[t * I + i] * std::max(0.0F, products[i * seen + j]);
        scores[j] = sum * scale;
      }
      largest({scores.data(), static_cast<std::size_t>(seen)}, spec_.most, order, chosen + t * spec_.most);
    }
  });
}

void chosen_attention(const ChosenAttention& a) {
  parallel_for(a.T, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> p(static_cast<std::size_t>(a.most));
    for (std::int64_t t = begin; t < end; ++t) {
      const bool all = a.first + t < a.most;
      const auto count = all ? a.first + t + 1 : a.most;
      const auto key_at = [&](std::int64_t j) { return all ? j : a.chosen[t * a.most + j]; };
      for (std::int64_t head = 0; head < a.heads; ++head) {
        const float* q = a.q + (t * a.heads + head) * a.key_width;
        for (std::int64_t j = 0; j < count; ++j) {
          const float* k = a.k + (key_at(j) * a.heads + head) * a.key_width;
          p[static_cast<std::size_t>(j)] = a.scale * std::inner_product(q, q + a.key_width, k, 0.0F);
        }
        const float most = *std::max_element(p.begin(), p.begin() + count);
        float sum = 0;
        for (std::int64_t j = 0; j < count; ++j)
          sum += p[static_cast<std::size_t>(j)] = std::exp(p[static_cast<std::size_t>(j)] - most);
        float* out = a.out + (t * a.heads + head) * a.value_width;
        std::fill_n(out, a.value_width, 0.0F);
        for (std::int64_t j = 0; j < count; ++j) {
          const float by = p[static_cast<std::size_t>(j)] / sum;
          const float* v = a.v + (key_at(j) * a.heads + head) * a.value_width;
          for (std::int64_t d = 0; d < a.value_width; ++d) out[d] += by * v[d];
        }
      }
    }
  });
}

}  // namespace espalier::infer
