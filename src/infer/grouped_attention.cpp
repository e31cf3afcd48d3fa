#include <algorithm>

#include "base/parallel.h"
#include "infer/causal_attention.h"
#include "infer/decoder_attention.h"
#include "infer/norms.h"
#include "infer/output_gate.h"

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

/// The norm of queries or of keys; one without a weight multiplies with 1.
ReadyNorm head_norm(const StoredWeight& weight, const arch::GroupedAttention& spec, const arch::Norm& rule) {
  arch::Norm norm{arch::NormKind::kRms, rule.epsilon, rule.from_one};
  if (spec.query_key_norm != arch::QueryKeyNorm::kUnit) return {weight, norm};
  norm.from_one = false;
  Buffer<float> ones(spec.key_width);
  ones.fill(1.0F);
  return {stored(std::move(ones), 1, spec.key_width), norm};
}

/// Queries, keys and values lie side by side: rows of (H + 2G) heads.
class ReadyGrouped : public ReadyAttention {
 public:
  ReadyGrouped(const GroupedAttentionWeights& weights, const arch::BlockSpec& block, const RopeTable* rope)
      : spec_(std::get<arch::GroupedAttention>(block.mixer)),
        query_(weights.query),
        key_(weights.key),
        value_(weights.value),
        output_(weights.output),
        query_norm_(head_norm(weights.query_norm, spec_, block.norm)),
        key_norm_(head_norm(weights.key_norm, spec_, block.norm)),
        sinks_(weights.sinks),
        gate_(weights.output_gate, spec_),
        rope_(rope) {}

  std::int64_t floats_per_token() const override { return row() + width() + gate_.floats_per_token(); }

  void run(const SequenceLayout& layout, const float* h, float* residual, KeyValues* past,
           std::int32_t* /*choice*/) const override {
    const auto N = layout.tokens(), D = output_.out();
    Buffer<float> buffer(N * row()), attended(N * width()), gates;
    float* qkv = buffer.data();
    if (spec_.output_gate == arch::OutputGate::kInQueries)
      gate_.split_queries(N, h, query_, qkv, row(), gates);
    else
      query_.run(N, h, D, LinearStore::kOverwrite, qkv, row());
    key_.run(N, h, D, LinearStore::kOverwrite, qkv + keys_at(), row());
    value_.run(N, h, D, LinearStore::kOverwrite, qkv + values_at(), row());
    if (!spec_.norm_after_rotation) normalise(N, qkv);
    if (spec_.clip) clamp(buffer, static_cast<float>(*spec_.clip));
    for (std::int64_t b = 0; b < layout.sequences(); ++b) {
      const auto begin = layout.begin(b);
      attend(layout.length(b), qkv + begin * row(), attended.data() + begin * width(), past);
    }
    gate_.apply(N, h, D, gates, attended.data());
    output_.run(N, attended.data(), width(), LinearStore::kAdd, residual, D);
  }

 private:
  std::int64_t keys_at() const { return spec_.heads * spec_.key_width; }
  std::int64_t values_at() const { return keys_at() + spec_.key_value_heads * spec_.key_width; }
  std::int64_t row() const { return values_at() + spec_.key_value_heads * spec_.value_width; }
  std::int64_t width() const { return spec_.heads * spec_.value_width; }  ///< of what all heads give

  void norm_heads(std::int64_t N, float* x, std::int64_t heads, const ReadyNorm& norm) const {
    const bool all = spec_.query_key_norm == arch::QueryKeyNorm::kAllHeads;
    const auto d = all ? heads * spec_.key_width : spec_.key_width;
    for (std::int64_t head = 0; head < (all ? 1 : heads); ++head)
      norm.run(N, d, x + head * d, x + head * d, row());
  }

  void normalise(std::int64_t N, float* qkv) const {
    if (spec_.query_key_norm == arch::QueryKeyNorm::kNone) return;
    norm_heads(N, qkv, spec_.heads, query_norm_);
    norm_heads(N, qkv + keys_at(), spec_.key_value_heads, key_norm_);
  }

  /// One sequence.
  void attend(std::int64_t T, float* qkv, float* out, KeyValues* past) const {
    const auto H = spec_.heads, G = spec_.key_value_heads, dk = spec_.key_width, dv = spec_.value_width;
    const auto first = past == nullptr ? 0 : past->length;
    if (rope_ != nullptr) turn(*spec_.rotary, *rope_, T, first, qkv, row(), H + G, dk);
    if (spec_.norm_after_rotation) normalise(T, qkv);
    if (spec_.temperature) heat(*spec_.temperature, T, first, qkv, row(), H * dk);
    AttendedKeys keys{qkv + keys_at(), qkv + values_at(), T};
    if (past != nullptr) keys = append(*past, T, keys.keys, row(), G * dk, keys.values, row(), G * dv);
    causal_attention({.q = qkv,
                      .k = keys.keys,
                      .v = keys.values,
                      .out = out,
                      .q_stride = row(),
                      .k_stride = past != nullptr ? G * dk : row(),
                      .v_stride = past != nullptr ? G * dv : row(),
                      .out_stride = width(),
                      .queries = T,
                      .keys = keys.count,
                      .heads = H,
                      .key_value_heads = G,
                      .key_width = dk,
                      .value_width = dv,
                      .window = spec_.chunks ? 0 : spec_.window,
                      .scale = static_cast<float>(spec_.scale),
                      .chunk = spec_.chunks ? spec_.window : 0,
                      .sinks = sinks_.data()});
  }

  const arch::GroupedAttention& spec_;
  ReadyLinear query_, key_, value_, output_;
  ReadyNorm query_norm_, key_norm_;
  ReadyVector sinks_;
  ReadyOutputGate gate_;
  const RopeTable* rope_;
};

}  // namespace

std::unique_ptr<ReadyAttention> ready(const GroupedAttentionWeights& weights, const arch::BlockSpec& block,
                                      const RopeTable* rope) {
  return std::make_unique<ReadyGrouped>(weights, block, rope);
}

}  // namespace espalier::infer
