#include "infer/decoder_attention.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "kernels/simd/kernels.h"

namespace espalier::infer {
namespace {

/// Makes room for `needed` rows and keeps the first `length`.
void grow(Buffer<float>& rows, std::int64_t length, std::int64_t needed, std::int64_t width) {
  if (rows.size() >= needed * width) return;
  Buffer<float> larger(std::max<std::int64_t>(2 * length, needed) * width);
  std::copy_n(rows.data(), length * width, larger.data());
  rows = std::move(larger);
}

void copy_rows(std::int64_t rows, const float* from, std::int64_t stride, std::int64_t width, float* to) {
  for (std::int64_t i = 0; i < rows; ++i) std::copy_n(from + i * stride, width, to + i * width);
}

}  // namespace

void turn(const arch::Rotary& rotary, const RopeTable& table, std::int64_t T, std::int64_t first, float* x,
          std::int64_t stride, std::int64_t heads, std::int64_t head_stride) {
  const bool halves = rotary.pairs == arch::RotaryPairs::kHalves;
  simd::kernels().rope({.x = x,
                        .cosine = table.cosine_at(first),
                        .sine = table.sine_at(first),
                        .n = T,
                        .stride = stride,
                        .heads = heads,
                        .head_stride = head_stride,
                        .width = rotary.width,
                        .pairs = halves ? simd::RopePairs::kHalves : simd::RopePairs::kNeighbours});
}

std::unique_ptr<ReadyAttention> ready(const StateWeights& weights, const arch::BlockSpec& block,
                                      const RopeTable* /*rope*/) {
  if (std::holds_alternative<arch::Mamba2>(block.mixer)) return ready_mamba2(weights, block);
  if (std::holds_alternative<arch::ShortConvolution>(block.mixer))
    return ready_short_convolution(weights, block);
  return ready_delta(weights, block);
}

float* state_of(KeyValues& past, std::int64_t size) {
  if (past.values.empty()) {
    past.values = Buffer<float>(size);
    past.values.fill(0.0F);
  }
  return past.values.data();
}

void heat(const arch::QueryTemperature& temperature, std::int64_t T, std::int64_t first, float* x,
          std::int64_t stride, std::int64_t width) {
  for (std::int64_t t = 0; t < T; ++t) {
    const auto chunk = (first + t + temperature.shift) / temperature.positions;
    const auto by =
        static_cast<float>(1.0 + temperature.coefficient * std::log1p(static_cast<double>(chunk)));
    for (std::int64_t i = 0; i < width; ++i) x[t * stride + i] *= by;
  }
}

AttendedKeys append(KeyValues& past, std::int64_t rows, const float* keys, std::int64_t key_stride,
                    std::int64_t key_width, const float* values, std::int64_t value_stride,
                    std::int64_t value_width) {
  grow(past.keys, past.length, past.length + rows, key_width);
  grow(past.values, past.length, past.length + rows, value_width);
  copy_rows(rows, keys, key_stride, key_width, past.keys.data() + past.length * key_width);
  copy_rows(rows, values, value_stride, value_width, past.values.data() + past.length * value_width);
  past.length += rows;
  return {past.keys.data(), past.values.data(), past.length};
}

}  // namespace espalier::infer
