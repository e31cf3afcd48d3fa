#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "infer/activations.h"
#include "infer/causal_convolution.h"
#include "infer/decoder_attention.h"
#include "infer/norms.h"

namespace espalier::infer {
namespace {

constexpr std::int64_t kGrain = 64;  // tokens of a thread
constexpr float kEpsilon = 1e-6F;    // of the length of queries and keys

/// x / |x| of `width` numbers, times `by`.
void unit_length(std::int64_t width, float by, float* x) {
  float sum = 0;
  for (std::int64_t i = 0; i < width; ++i) sum += x[i] * x[i];
  const float scale = by / std::sqrt(sum + kEpsilon);
  for (std::int64_t i = 0; i < width; ++i) x[i] *= scale;
}

/// What one token does to one head.
struct Step {
  const float *query, *key, *value;  // [key width] twice, [value width]
  float keeps, corrects;             // of the state; of what it says wrongly
};

/// state = keeps * state + key (corrects (value - keeps * key^T state))^T; out = query^T state (Yang et al.
/// 2024, equation 10). state [key width, value width], said and out [value width].
void advance(const Step& step, std::int64_t dk, std::int64_t dv, float* state, float* said, float* out) {
  std::fill_n(said, dv, 0.0F);
  for (std::int64_t i = 0; i < dk; ++i) {
    float* row = state + i * dv;
    for (std::int64_t j = 0; j < dv; ++j) {
      row[j] *= step.keeps;
      said[j] += step.key[i] * row[j];
    }
  }
  for (std::int64_t j = 0; j < dv; ++j) said[j] = step.corrects * (step.value[j] - said[j]);
  std::fill_n(out, dv, 0.0F);
  for (std::int64_t i = 0; i < dk; ++i) {
    float* row = state + i * dv;
    for (std::int64_t j = 0; j < dv; ++j) {
      row[j] += step.key[i] * said[j];
      out[j] += step.query[i] * row[j];
    }
  }
}

class ReadyDelta : public ReadyAttention {
 public:
  ReadyDelta(const StateWeights& weights, const arch::BlockSpec& block)
      : spec_(std::get<arch::GatedDelta>(block.mixer)),
        input_(weights.input),
        gate_(weights.gate),
        beta_(weights.beta),
        decay_(weights.decay),
        output_(weights.output),
        convolution_(weights.convolution.weight),
        rate_(weights.rate),
        bias_(weights.bias),
        norm_(weights.norm, {arch::NormKind::kRms, block.norm.epsilon}) {}

  std::int64_t floats_per_token() const override {
    return 2 * (spec_.channels() + spec_.values()) + 4 * spec_.value_heads;
  }

  void run(const SequenceLayout& layout, const float* h, float* residual, KeyValues* past,
           std::int32_t* /*choice*/) const override {
    const auto N = layout.tokens(), D = output_.out(), V = spec_.values();
    Projected p{Buffer<float>(N * spec_.channels()), Buffer<float>(N * V),
                Buffer<float>(N * spec_.value_heads), Buffer<float>(N * spec_.value_heads)};
    project(N, h, p);
    Buffer<float> y(N * V);
    for (std::int64_t b = 0; b < layout.sequences(); ++b)
      scan(layout.begin(b), layout.length(b), p, y.data(), past);
    norm_.run(N * spec_.value_heads, spec_.value_width, y.data(), y.data());
    parallel_for(N, kGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin * V; i < end * V; ++i) y[i] *= p.gate[i] * sigmoid(p.gate[i]);
    });
    output_.run(N, y.data(), V, LinearStore::kAdd, residual, D);
  }

 private:
  struct Projected {
    Buffer<float> qkv, gate, beta, decay;  // [N, C], [N, V], [N, Hv] twice
  };

  void project(std::int64_t N, const float* h, Projected& p) const {
    const auto D = input_.in(), C = spec_.channels(), V = spec_.values(), H = spec_.value_heads;
    if (spec_.rows_by_key_head) return project_by_key_head(N, h, p);
    input_.run(N, h, D, LinearStore::kOverwrite, p.qkv.data(), C);
    gate_.run(N, h, D, LinearStore::kOverwrite, p.gate.data(), V);
    beta_.run(N, h, D, LinearStore::kOverwrite, p.beta.data(), H);
    decay_.run(N, h, D, LinearStore::kOverwrite, p.decay.data(), H);
  }

  void project_by_key_head(std::int64_t N, const float* h, Projected& p) const {
    const auto D = input_.in(), K = spec_.key_heads, dk = spec_.key_width, C = spec_.channels(),
               V = spec_.values();
    const auto share = V / K, heads = spec_.value_heads / K;  // of one key head
    const auto row = 2 * dk + 2 * share;
    Buffer<float> all(N * K * row), both(N * K * 2 * heads);
    input_.run(N, h, D, LinearStore::kOverwrite, all.data(), K * row);
    beta_.run(N, h, D, LinearStore::kOverwrite, both.data(), K * 2 * heads);
    for (std::int64_t i = 0; i < N * K; ++i) {
      const auto n = i / K, k = i % K;
      const float* from = all.data() + i * row;
      float* qkv = p.qkv.data() + n * C;
      std::copy_n(from, dk, qkv + k * dk);
      std::copy_n(from + dk, dk, qkv + spec_.keys() + k * dk);
      std::copy_n(from + 2 * dk, share, qkv + 2 * spec_.keys() + k * share);
      std::copy_n(from + 2 * dk + share, share, p.gate.data() + n * V + k * share);
      std::copy_n(both.data() + i * 2 * heads, heads, p.beta.data() + i * heads);
      std::copy_n(both.data() + i * 2 * heads + heads, heads, p.decay.data() + i * heads);
    }
  }

  /// One sequence of T tokens from `begin` on: convolution, then each head by itself.
  void scan(std::int64_t begin, std::int64_t T, Projected& p, float* y, KeyValues* past) const {
    const auto C = spec_.channels(), H = spec_.value_heads, dk = spec_.key_width, dv = spec_.value_width;
    float* qkv = p.qkv.data() + begin * C;
    causal_convolution({convolution_.data(), nullptr, C, spec_.kernel}, T, qkv, past);
    silu(T * C, qkv);
    const float by = 1.0F / std::sqrt(static_cast<float>(dk));
    parallel_for(T, kGrain, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t t = first; t < last; ++t)
        for (std::int64_t head = 0; head < 2 * spec_.key_heads; ++head)
          unit_length(dk, head < spec_.key_heads ? by : 1.0F, qkv + t * C + head * dk);
    });
    Buffer<float> own;
    float* states = past != nullptr ? state_of(*past, H * dk * dv) : own.room(H * dk * dv);
    if (past == nullptr) own.fill(0.0F);
    parallel_for(H, 1, [&](std::int64_t first, std::int64_t last) {
      Buffer<float> said(dv);
      for (std::int64_t head = first; head < last; ++head) {
        const auto key_head = head / (H / spec_.key_heads);
        for (std::int64_t t = 0; t < T; ++t) {
          const auto at = (begin + t) * H + head;
          const float* row = qkv + t * C;
          const float fades = std::exp(rate_.data()[head]) * softplus(p.decay[at] + bias_.data()[head]);
          advance({row + key_head * dk, row + spec_.keys() + key_head * dk,
                   row + 2 * spec_.keys() + head * dv, std::exp(-fades), sigmoid(p.beta[at])},
                  dk, dv, states + head * dk * dv, said.data(), y + (begin + t) * H * dv + head * dv);
        }
      }
    });
    if (past != nullptr) past->length += T;
  }

  const arch::GatedDelta& spec_;
  ReadyLinear input_, gate_, beta_, decay_, output_;
  ReadyVector convolution_, rate_, bias_;
  ReadyNorm norm_;
};

}  // namespace

std::unique_ptr<ReadyAttention> ready_delta(const StateWeights& weights, const arch::BlockSpec& block) {
  return std::make_unique<ReadyDelta>(weights, block);
}

}  // namespace espalier::infer
