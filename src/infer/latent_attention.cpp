#include <algorithm>
#include <cmath>

#include "infer/causal_attention.h"
#include "infer/decoder_attention.h"
#include "kernels/simd/kernels.h"

namespace espalier::infer {
namespace {

/// What the softmax of a latent attention is scaled with: YaRN's mscale_all_dim counts twice.
float softmax_scale(const DecoderConfig& config) {
  const double scale = 1.0 / std::sqrt(static_cast<double>(config.head_width));
  if (!config.rope.yarn) return static_cast<float>(scale);
  const double m = yarn_mscale(config.rope.yarn->factor, config.rope.yarn->mscale_all_dim);
  return static_cast<float>(scale * m * m);
}

class ReadyLatent : public ReadyAttention {
 public:
  ReadyLatent(const LatentAttentionWeights& weights, const DecoderConfig& config, std::int64_t window,
              const RopeTable& rope)
      : query_down_(weights.query_down),
        query_(weights.query),
        key_value_down_(weights.key_value_down),
        key_value_(weights.key_value),
        output_(weights.output),
        query_norm_(weights.query_norm),
        key_value_norm_(weights.key_value_norm),
        config_(config),
        latent_(*config.latent),
        window_(window),
        scale_(softmax_scale(config)),
        rope_(rope) {}

  std::int64_t floats_per_token() const override {
    return 2 * query_row() + 2 * value_row() + key_value_.out() + key_value_down_.out() + query_down_.out();
  }

  void run(const SequenceLayout& layout, const float* h, float* residual, KeyValues* past) const override {
    const auto N = layout.tokens();
    const auto first = past == nullptr ? 0 : past->length;
    Buffer<float> q(N * query_row()), k(N * query_row()), v(N * value_row()), y(N * value_row());
    queries(N, h, q.data());
    keys_and_values(layout, first, h, k.data(), v.data());
    for (std::int64_t b = 0; b < layout.sequences(); ++b) {
      const auto begin = layout.begin(b), T = layout.length(b);
      turn(T, first, q.data() + begin * query_row() + latent_.nope_head_width, query_row(), config_.heads);
      AttendedKeys keys{k.data() + begin * query_row(), v.data() + begin * value_row(), T};
      if (past != nullptr)
        keys = append(*past, T, keys.keys, query_row(), query_row(), keys.values, value_row(), value_row());
      attend(T, q.data() + begin * query_row(), keys, y.data() + begin * value_row());
    }
    output_.run(N, y.data(), value_row(), LinearStore::kAdd, residual, config_.hidden_size);
  }

 private:
  std::int64_t query_row() const { return config_.heads * config_.head_width; }
  std::int64_t value_row() const { return config_.heads * latent_.value_head_width; }

  void norm(std::int64_t N, float* x, std::int64_t width, std::int64_t stride, const float* gamma) const {
    simd::kernels().rms_norm({.x = x,
                              .gamma = gamma,
                              .y = x,
                              .n = N,
                              .d = width,
                              .x_stride = stride,
                              .y_stride = stride,
                              .eps = static_cast<float>(config_.norm_epsilon)});
  }

  /// Turns the last part of each head by its position.
  void turn(std::int64_t T, std::int64_t first, float* x, std::int64_t stride, std::int64_t heads) const {
    const auto width = latent_.rope_head_width;
    simd::kernels().rope(
        {.x = x,
         .cosine = rope_.cosine_at(first),
         .sine = rope_.sine_at(first),
         .n = T,
         .stride = stride,
         .heads = heads,
         .head_stride = config_.head_width,
         .width = width,
         .pairs = config_.rope.interleaved ? simd::RopePairs::kNeighbours : simd::RopePairs::kHalves});
  }

  void queries(std::int64_t N, const float* h, float* q) const {
    if (!query_down_.defined())
      return query_.run(N, h, config_.hidden_size, LinearStore::kOverwrite, q, query_row());
    const auto rank = query_down_.out();
    Buffer<float> compressed(N * rank);
    query_down_.run(N, h, config_.hidden_size, LinearStore::kOverwrite, compressed.data(), rank);
    norm(N, compressed.data(), rank, rank, query_norm_.data());
    query_.run(N, compressed.data(), rank, LinearStore::kOverwrite, q, query_row());
  }

  /// k [N, H (n + r)]: a head's own part and the part that all heads share; v [N, H v].
  void keys_and_values(const SequenceLayout& layout, std::int64_t first, const float* h, float* k,
                       float* v) const {
    const auto N = layout.tokens(), rank = latent_.key_value_rank, row = key_value_down_.out();
    Buffer<float> compressed(N * row), expanded(N * key_value_.out());
    float* c = compressed.data();
    key_value_down_.run(N, h, config_.hidden_size, LinearStore::kOverwrite, c, row);
    norm(N, c, rank, row, key_value_norm_.data());
    for (std::int64_t b = 0; b < layout.sequences(); ++b)
      turn(layout.length(b), first, c + layout.begin(b) * row + rank, row, 1);
    key_value_.run(N, c, row, LinearStore::kOverwrite, expanded.data(), key_value_.out());
    const float* e = expanded.data();
    const auto nope = latent_.nope_head_width, value = latent_.value_head_width;
#pragma omp parallel for schedule(static)
    for (std::int64_t i = 0; i < N * config_.heads; ++i) {
      const float* shared = c + i / config_.heads * row + rank;
      std::copy_n(e + i * (nope + value), nope, k + i * config_.head_width);
      std::copy_n(shared, latent_.rope_head_width, k + i * config_.head_width + nope);
      std::copy_n(e + i * (nope + value) + nope, value, v + i * value);
    }
  }

  void attend(std::int64_t T, const float* q, const AttendedKeys& keys, float* y) const {
    causal_attention({.q = q,
                      .k = keys.keys,
                      .v = keys.values,
                      .out = y,
                      .q_stride = query_row(),
                      .k_stride = query_row(),
                      .v_stride = value_row(),
                      .out_stride = value_row(),
                      .queries = T,
                      .keys = keys.count,
                      .heads = config_.heads,
                      .key_value_heads = config_.heads,
                      .key_width = config_.head_width,
                      .value_width = latent_.value_head_width,
                      .window = window_,
                      .scale = scale_});
  }

  ReadyLinear query_down_, query_, key_value_down_, key_value_, output_;
  ReadyVector query_norm_, key_value_norm_;
  const DecoderConfig& config_;
  const LatentAttention& latent_;
  std::int64_t window_;
  float scale_;
  const RopeTable& rope_;
};

}  // namespace

std::unique_ptr<ReadyAttention> ready(const LatentAttentionWeights& weights, const DecoderConfig& config,
                                      std::int64_t window, const RopeTable& rope) {
  return std::make_unique<ReadyLatent>(weights, config, window, rope);
}

}  // namespace espalier::infer
