#pragma once

#include "infer/decoder_attention.h"
#include "infer/norms.h"

namespace espalier::infer {

/// The equations of arch::KeyIndexer.
class ReadyKeyIndexer {
 public:
  ReadyKeyIndexer(const IndexerWeights& weights, const arch::LatentAttention& spec);

  /// Of one sequence's T new tokens, whose first is at position `first`: chosen [T, most], the best `most`
  /// keys of those up to each token, in ascending order; rows of tokens that see no more keys than that are
  /// not written. h [T, D], queries [T, query rank]. `past` takes the new keys.
  void choose(std::int64_t T, std::int64_t first, const float* h, const float* queries, const RopeTable& rope,
              KeyValues* past, std::int32_t* chosen) const;

 private:
  const arch::KeyIndexer& spec_;
  arch::Rotary rotary_;
  ReadyLinear query_, key_, weight_;
  ReadyNorm key_norm_;
};

/// Attention of queries to chosen keys alone.
struct ChosenAttention {
  const float* q;              // [T, heads, key_width]
  const float* k;              // [keys, heads, key_width]
  const float* v;              // [keys, heads, value_width]
  const std::int32_t* chosen;  // [T, most]; not read of tokens at positions below `most`
  float* out;                  // [T, heads, value_width]
  std::int64_t T, first, most, heads, key_width, value_width;
  float scale;
};
void chosen_attention(const ChosenAttention& attention);

}  // namespace espalier::infer
