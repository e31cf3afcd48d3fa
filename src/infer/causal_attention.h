#pragma once

#include <cstdint>

namespace espalier::infer {

/// Causal attention of one sequence with grouped queries (Ainslie et al. 2023): query head h reads the keys
/// and values of head h / (heads / key_value_heads). Query i stands at position keys - queries + i.
struct CausalAttention {
  const float* q;  // [queries, heads, key_width], rows q_stride apart
  const float* k;  // [keys, key_value_heads, key_width], rows k_stride apart
  const float* v;  // [keys, key_value_heads, value_width], rows v_stride apart
  float* out;      // [queries, heads, value_width], rows out_stride apart
  std::int64_t q_stride, k_stride, v_stride, out_stride;
  std::int64_t queries, keys;
  std::int64_t heads, key_value_heads;
  std::int64_t key_width, value_width;
  std::int64_t window = 0;  ///< keys that a query sees, itself among them; 0: all before it
  float scale = 1;
  std::int64_t chunk = 0;  ///< keys of a chunk, of which a query sees its own up to itself; 0: no chunks
  const float* sinks = nullptr;  ///< [heads] one more logit in each query's softmax, without a value
};

/// Works on blocks of queries, one thread each: memory is O(keys) per thread.
void causal_attention(const CausalAttention& attention);

}  // namespace espalier::infer
