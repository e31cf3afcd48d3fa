#pragma once

#include <functional>

#include "reference/layers.h"

/// Multi-head attention over packed sequences, one sequence and head after another.
namespace espalier::reference {

/// What dropout multiplies element (query * t + key) of a sequence and head's block of probabilities with.
using Factor = std::function<double(std::int64_t block, std::int64_t index)>;

struct AttentionShape {
  std::vector<std::int64_t> offsets;  // [B+1]
  std::int64_t heads;
  std::int64_t width;  // of one head

  std::int64_t D() const { return heads * width; }
};

/// The query, key or value (part 0, 1, 2) of one sequence and head: [t, width].
inline Values head_of(const Values& qkv, const AttentionShape& s, std::int64_t b, std::int64_t h,
                      std::int64_t part) {
  Values out;
  for (auto token = s.offsets[b]; token < s.offsets[b + 1]; ++token)
    for (std::int64_t j = 0; j < s.width; ++j)
      out.push_back(qkv[token * 3 * s.D() + part * s.D() + h * s.width + j]);
  return out;
}

struct AttentionBlock {
  Values q, k, v;     // [t, width]
  Values p, dropped;  // [t, t]
};

inline AttentionBlock attention_block(const Values& qkv, const AttentionShape& s, std::int64_t b,
                                      std::int64_t h, const Factor& factor) {
  AttentionBlock block{head_of(qkv, s, b, h, 0), head_of(qkv, s, b, h, 1), head_of(qkv, s, b, h, 2), {}, {}};
  const auto t = s.offsets[b + 1] - s.offsets[b];
  Values scores = times_transposed(block.q, block.k, static_cast<std::size_t>(s.width));
  for (double& score : scores) score /= std::sqrt(static_cast<double>(s.width));
  block.p = block.dropped = softmax(scores, t);
  for (std::int64_t i = 0; i < t * t; ++i) block.dropped[i] *= factor(b * s.heads + h, i);
  return block;
}

/// qkv [N, 3D] -> [N, D]
inline Values attention(const Values& qkv, const AttentionShape& s, const Factor& factor) {
  Values y(qkv.size() / 3, 0.0);
  for (std::int64_t b = 0; b + 1 < static_cast<std::int64_t>(s.offsets.size()); ++b)
    for (std::int64_t h = 0; h < s.heads; ++h) {
      const auto block = attention_block(qkv, s, b, h, factor);
      const auto t = s.offsets[b + 1] - s.offsets[b];
      const Values out = times(block.dropped, block.v, static_cast<std::size_t>(t));
      for (std::int64_t i = 0; i < t * s.width; ++i)
        y[(s.offsets[b] + i / s.width) * s.D() + h * s.width + i % s.width] = out[i];
    }
  return y;
}

/// dy [N, D] -> gradient of qkv [N, 3D]
inline Values attention_backward(const Values& dy, const Values& qkv, const AttentionShape& s,
                                 const Factor& factor) {
  Values gradient(qkv.size(), 0.0);
  for (std::int64_t b = 0; b + 1 < static_cast<std::int64_t>(s.offsets.size()); ++b)
    for (std::int64_t h = 0; h < s.heads; ++h) {
      const auto block = attention_block(qkv, s, b, h, factor);
      const auto first = s.offsets[b], t = s.offsets[b + 1] - first;
      const auto rows = static_cast<std::size_t>(t), width = static_cast<std::size_t>(s.width);
      Values d_out;
      for (std::int64_t i = 0; i < t * s.width; ++i)
        d_out.push_back(dy[(first + i / s.width) * s.D() + h * s.width + i % s.width]);
      Values dp = times_transposed(d_out, block.v, width);
      for (std::int64_t i = 0; i < t * t; ++i) dp[i] *= factor(b * s.heads + h, i);
      Values ds = softmax_backward(block.p, dp, t);
      for (double& value : ds) value /= std::sqrt(static_cast<double>(s.width));
      const Values parts[] = {times(ds, block.k, rows), transposed_times(ds, rows, block.q, width),
                              transposed_times(block.dropped, rows, d_out, width)};
      for (std::int64_t part = 0; part < 3; ++part)
        for (std::int64_t i = 0; i < t * s.width; ++i)
          gradient[(first + i / s.width) * 3 * s.D() + part * s.D() + h * s.width + i % s.width] =
              parts[part][i];
    }
  return gradient;
}

}  // namespace espalier::reference
