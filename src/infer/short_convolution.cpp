#include "base/parallel.h"
#include "infer/causal_convolution.h"
#include "infer/decoder_attention.h"

namespace espalier::infer {
namespace {

constexpr std::int64_t kGrain = 64;  // tokens of a thread

/// Equations: see arch::ShortConvolution.
class ReadyShortConvolution : public ReadyAttention {
 public:
  ReadyShortConvolution(const StateWeights& weights, const arch::BlockSpec& block)
      : spec_(std::get<arch::ShortConvolution>(block.mixer)),
        input_(weights.input),
        output_(weights.output),
        taps_(weights.convolution.weight),
        bias_(weights.convolution.bias) {}

  std::int64_t floats_per_token() const override { return 5 * spec_.channels; }

  void run(const SequenceLayout& layout, const float* h, float* residual, KeyValues* past,
           std::int32_t* /*choice*/) const override {
    const auto N = layout.tokens(), D = spec_.channels;
    Buffer<float> thirds(N * 3 * D), x(N * D);  // b, c, x
    input_.run(N, h, D, LinearStore::kOverwrite, thirds.data(), 3 * D);
    multiply(N, thirds.data(), thirds.data() + 2 * D, x.data());
    for (std::int64_t b = 0; b < layout.sequences(); ++b)
      causal_convolution({taps_.data(), bias_.data(), D, spec_.kernel}, layout.length(b),
                         x.data() + layout.begin(b) * D, past);
    multiply(N, thirds.data() + D, nullptr, x.data());
    output_.run(N, x.data(), D, LinearStore::kAdd, residual, D);
    if (past != nullptr) past->length += N;
  }

 private:
  /// x = a * b, or x * a; a and b [N, D], rows 3 D apart.
  void multiply(std::int64_t N, const float* a, const float* b, float* x) const {
    const auto D = spec_.channels;
    parallel_for(N, kGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = begin; n < end; ++n)
        for (std::int64_t i = 0; i < D; ++i)
          x[n * D + i] = a[n * 3 * D + i] * (b != nullptr ? b[n * 3 * D + i] : x[n * D + i]);
    });
  }

  const arch::ShortConvolution& spec_;
  ReadyLinear input_, output_;
  ReadyVector taps_, bias_;
};

}  // namespace

std::unique_ptr<ReadyAttention> ready_short_convolution(const StateWeights& weights,
                                                        const arch::BlockSpec& block) {
  return std::make_unique<ReadyShortConvolution>(weights, block);
}

}  // namespace espalier::infer
