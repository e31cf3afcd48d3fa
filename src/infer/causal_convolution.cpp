#include "infer/causal_convolution.h"

#include <algorithm>

#include "base/parallel.h"

namespace espalier::infer {
namespace {

constexpr std::int64_t kGrain = 64;  // tokens of a thread

}  // namespace

void causal_convolution(const CausalConvolution& c, std::int64_t T, float* x, KeyValues* past) {
  const auto C = c.channels, before = c.kernel - 1;
  Buffer<float> rows((before + T) * C);  // what was before, then the input
  if (past != nullptr && !past->keys.empty())
    std::copy_n(past->keys.data(), before * C, rows.data());
  else
    std::fill_n(rows.data(), before * C, 0.0F);
  std::copy_n(x, T * C, rows.data() + before * C);
  if (past != nullptr) std::copy_n(rows.data() + T * C, before * C, past->keys.room(before * C));
  parallel_for(T, kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t)
      for (std::int64_t channel = 0; channel < C; ++channel) {
        float sum = c.bias == nullptr ? 0.0F : c.bias[channel];
        for (std::int64_t k = 0; k < c.kernel; ++k)
          sum += c.weight[channel * c.kernel + k] * rows[(t + k) * C + channel];
        x[t * C + channel] = sum;
      }
  });
}

}  // namespace espalier::infer
