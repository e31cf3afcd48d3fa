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

/// With time step t of a token, x its values, b and c the state's input and output of its group:
/// state = exp(-rate t) state + t x b^T; y = state c + skip x (Dao and Gu 2024, arXiv 2405.21060, 2).
class ReadyMamba2 : public ReadyAttention {
 public:
  ReadyMamba2(const StateWeights& weights, const arch::BlockSpec& block)
      : spec_(std::get<arch::Mamba2>(block.mixer)),
        input_(weights.input),
        output_(weights.output),
        taps_(weights.convolution.weight),
        convolution_bias_(weights.convolution.bias),
        rate_(weights.rate),
        bias_(weights.bias),
        skip_(weights.skip),
        norm_(weights.norm),
        epsilon_(static_cast<float>(block.norm.epsilon)) {}

  std::int64_t floats_per_token() const override { return row() + spec_.channels() + spec_.values(); }

  void run(const SequenceLayout& layout, const float* h, float* residual, KeyValues* past,
           std::int32_t* /*choice*/) const override {
    const auto N = layout.tokens(), V = spec_.values(), C = spec_.channels();
    Buffer<float> projected(N * row()), xbc(N * C), y(N * V);
    input_.run(N, h, input_.in(), LinearStore::kOverwrite, projected.data(), row());
    for (std::int64_t n = 0; n < N; ++n) std::copy_n(projected.data() + n * row() + V, C, xbc.data() + n * C);
    for (std::int64_t b = 0; b < layout.sequences(); ++b)
      scan(layout.length(b), projected.data() + layout.begin(b) * row(), xbc.data() + layout.begin(b) * C,
           y.data() + layout.begin(b) * V, past);
    gate_and_norm(N, projected.data(), y.data());
    output_.run(N, y.data(), V, LinearStore::kAdd, residual, output_.out());
  }

 private:
  /// Of the input projection: gates [V], what is convolved [C], time steps [Hv].
  std::int64_t row() const { return spec_.values() + spec_.channels() + spec_.value_heads; }

  /// One sequence.
  void scan(std::int64_t T, const float* projected, float* xbc, float* y, KeyValues* past) const {
    const auto C = spec_.channels(), H = spec_.value_heads, W = spec_.width, S = spec_.state;
    causal_convolution({taps_.data(), convolution_bias_.data(), C, spec_.kernel}, T, xbc, past);
    silu(T * C, xbc);
    Buffer<float> own;
    float* states = past != nullptr ? state_of(*past, H * W * S) : own.room(H * W * S);
    if (past == nullptr) own.fill(0.0F);
    parallel_for(H, 1, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t head = first; head < last; ++head) {
        const float* steps = projected + spec_.values() + C + head;
        for (std::int64_t t = 0; t < T; ++t)
          advance(head, steps[t * row()], xbc + t * C, states + head * W * S, y + t * H * W + head * W);
      }
    });
    if (past != nullptr) past->length += T;
  }

  /// One head, one token; state [width, state], y [width].
  void advance(std::int64_t head, float raw, const float* xbc, float* state, float* y) const {
    const auto W = spec_.width, S = spec_.state, group = head / (spec_.value_heads / spec_.groups);
    const float* x = xbc + head * W;
    const float* in = xbc + spec_.values() + group * S;
    const float* out = in + spec_.groups * S;
    const float step = std::max(softplus(raw + bias_.data()[head]), static_cast<float>(spec_.shortest_step));
    const float keeps = std::exp(-std::exp(rate_.data()[head]) * step);
    for (std::int64_t w = 0; w < W; ++w) {
      float* row = state + w * S;
      float sum = 0;
      for (std::int64_t s = 0; s < S; ++s) {
        row[s] = keeps * row[s] + step * x[w] * in[s];
        sum += row[s] * out[s];
      }
      y[w] = sum + skip_.data()[head] * x[w];
    }
  }

  /// y = norm(y silu(gate)), each of the norm's groups by itself.
  void gate_and_norm(std::int64_t N, const float* projected, float* y) const {
    const auto V = spec_.values(), share = V / spec_.norm_groups;
    parallel_for(N, kGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = begin; n < end; ++n)
        for (std::int64_t first = 0; first < V; first += share) {
          float sum = 0;
          for (std::int64_t i = first; i < first + share; ++i) {
            const float gate = projected[n * row() + i];
            y[n * V + i] *= gate * sigmoid(gate);
            sum += y[n * V + i] * y[n * V + i];
          }
          const float by = 1.0F / std::sqrt(sum / static_cast<float>(share) + epsilon_);
          for (std::int64_t i = first; i < first + share; ++i) y[n * V + i] *= by * norm_.data()[i];
        }
    });
  }

  const arch::Mamba2& spec_;
  ReadyLinear input_, output_;
  ReadyVector taps_, convolution_bias_, rate_, bias_, skip_, norm_;
  float epsilon_;
};

}  // namespace

std::unique_ptr<ReadyAttention> ready_mamba2(const StateWeights& weights, const arch::BlockSpec& block) {
  return std::make_unique<ReadyMamba2>(weights, block);
}

}  // namespace espalier::infer
