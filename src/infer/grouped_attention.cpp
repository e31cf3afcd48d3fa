#include <cmath>

#include "base/parallel.h"
#include "infer/causal_attention.h"
#include "infer/decoder_attention.h"
#include "kernels/simd/kernels.h"

namespace espalier::infer {
namespace {

constexpr std::int64_t kClampGrain = 1 << 16;  // values of a thread

/// NaN stays what it is.
void clamp(Buffer<float>& values, float most) {
  parallel_for(values.size(), kClampGrain, [&](std::int64_t begin, std::int64_t end) {
    for (float* x = values.data() + begin; x != values.data() + end; ++x)
      *x = *x < -most ? -most : *x > most ? most : *x;
  });
}

/// Queries, keys and values lie side by side: rows of (H + 2G) heads.
class ReadyGrouped : public ReadyAttention {
 public:
  ReadyGrouped(const GroupedAttention& weights, const DecoderConfig& config, std::int64_t window,
               const RopeTable& rope)
      : query_(weights.query),
        key_(weights.key),
        value_(weights.value),
        output_(weights.output),
        query_norm_(weights.query_norm),
        key_norm_(weights.key_norm),
        config_(config),
        window_(window),
        rope_(rope) {}

  std::int64_t floats_per_token() const override { return row() + config_.heads * config_.head_width; }

  void run(const SequenceLayout& layout, const float* h, float* residual, KeyValues* past) const override {
    const auto N = layout.tokens(), D = config_.hidden_size;
    const auto width = config_.heads * config_.head_width;
    Buffer<float> buffer(N * row()), attended(N * width);
    float* qkv = buffer.data();
    query_.run(N, h, D, LinearStore::kOverwrite, qkv, row());
    key_.run(N, h, D, LinearStore::kOverwrite, qkv + keys_at(), row());
    value_.run(N, h, D, LinearStore::kOverwrite, qkv + values_at(), row());
    normalise(N, qkv);
    if (config_.clip_qkv) clamp(buffer, static_cast<float>(*config_.clip_qkv));
    for (std::int64_t b = 0; b < layout.sequences(); ++b) {
      const auto begin = layout.begin(b);
      attend(layout.length(b), qkv + begin * row(), attended.data() + begin * width, past);
    }
    output_.run(N, attended.data(), width, LinearStore::kAdd, residual, D);
  }

 private:
  std::int64_t row() const { return (config_.heads + 2 * config_.key_value_heads) * config_.head_width; }
  std::int64_t keys_at() const { return config_.heads * config_.head_width; }
  std::int64_t values_at() const { return (config_.heads + config_.key_value_heads) * config_.head_width; }

  void norm_heads(std::int64_t N, float* x, std::int64_t heads, const float* gamma) const {
    const bool all = config_.qk_norm == QkNorm::kAllHeads;
    const auto d = all ? heads * config_.head_width : config_.head_width;
    for (std::int64_t head = 0; head < (all ? 1 : heads); ++head)
      simd::kernels().rms_norm({.x = x + head * d,
                                .gamma = gamma,
                                .y = x + head * d,
                                .n = N,
                                .d = d,
                                .x_stride = row(),
                                .y_stride = row(),
                                .eps = static_cast<float>(config_.norm_epsilon)});
  }

  void normalise(std::int64_t N, float* qkv) const {
    if (config_.qk_norm == QkNorm::kNone) return;
    norm_heads(N, qkv, config_.heads, query_norm_.data());
    norm_heads(N, qkv + keys_at(), config_.key_value_heads, key_norm_.data());
  }

  /// One sequence.
  void attend(std::int64_t T, float* qkv, float* out, KeyValues* past) const {
    const auto d = config_.head_width, G = config_.key_value_heads;
    const auto first = past == nullptr ? 0 : past->length;
    simd::kernels().rope(
        {.x = qkv,
         .cosine = rope_.cosine_at(first),
         .sine = rope_.sine_at(first),
         .n = T,
         .stride = row(),
         .heads = config_.heads + G,
         .head_stride = d,
         .width = d,
         .pairs = config_.rope.interleaved ? simd::RopePairs::kNeighbours : simd::RopePairs::kHalves});
    AttendedKeys keys{qkv + keys_at(), qkv + values_at(), T};
    std::int64_t stride = row();
    if (past != nullptr) {
      keys = append(*past, T, keys.keys, stride, G * d, keys.values, stride, G * d);
      stride = G * d;
    }
    causal_attention({.q = qkv,
                      .k = keys.keys,
                      .v = keys.values,
                      .out = out,
                      .q_stride = row(),
                      .k_stride = stride,
                      .v_stride = stride,
                      .out_stride = config_.heads * d,
                      .queries = T,
                      .keys = keys.count,
                      .heads = config_.heads,
                      .key_value_heads = G,
                      .key_width = d,
                      .value_width = d,
                      .window = window_,
                      .scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(d)))});
  }

  ReadyLinear query_, key_, value_, output_;
  ReadyVector query_norm_, key_norm_;
  const DecoderConfig& config_;
  std::int64_t window_;
  const RopeTable& rope_;
};

}  // namespace

std::unique_ptr<ReadyAttention> ready(const GroupedAttention& weights, const DecoderConfig& config,
                                      std::int64_t window, const RopeTable& rope) {
  return std::make_unique<ReadyGrouped>(weights, config, window, rope);
}

}  // namespace espalier::infer
