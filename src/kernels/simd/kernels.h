#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "kernels/simd/arguments.h"

/// Everything in a training step that is not a matrix product, on raw pointers, without a tensor library.
///
/// Threads: as many as omp_get_max_threads() for tensors that are worth it. Sums over rows go in fixed
/// chunks, so results do not depend on the number of threads. They differ in the last bits between build
/// variants, except for dropout's masks, which are the same everywhere.
namespace espalier::simd {

/// The functions of one build variant. Every n may be 0.
struct Kernels {
  const char* isa;  ///< "baseline", "avx2" or "avx512"

  void (*gelu_forward)(const GeluForward&);
  void (*gelu_backward)(const GeluBackward&);
  /// y = dropout(x), both [count]; y may be x. It is its own backward, on the gradient.
  void (*dropout)(const float* x, float* y, std::int64_t count, DropoutKey key);
  void (*layer_norm_forward)(const LayerNormForward&);
  void (*layer_norm_backward)(const LayerNormBackward&);
  void (*attention_softmax)(const AttentionSoftmax&);
  void (*attention_softmax_backward)(const AttentionSoftmaxBackward&);

  void (*router_forward)(const RouterForward&);
  void (*router_backward)(const RouterBackward&);
  void (*sort_by_expert)(const SortByExpert&);
  /// out[r] = x[index[r]]: x [*, d], index [rows], out [rows, d]
  void (*gather_rows)(const float* x, const std::int32_t* index, std::int64_t rows, std::int64_t d,
                      float* out);
  void (*combine)(const Combine&);
  void (*combine_backward)(const CombineBackward&);

  double (*cross_entropy)(const CrossEntropy&);
  void (*embedding_forward)(const EmbeddingForward&);
  void (*embedding_backward)(const EmbeddingBackward&);

  void (*rms_norm)(const RmsNorm&);
  /// gate = gate / (1 + e^-gate) * up, both [count] (Shazeer 2020, SwiGLU)
  void (*silu_multiply)(float* gate, const float* up, std::int64_t count);
  void (*rms_norm_backward)(const RmsNormBackward&);
  /// On the calling thread, both: experts run their rows on threads.
  void (*silu_multiply_rows)(const SiluMultiplyRows&);
  void (*silu_multiply_backward)(const SiluMultiplyBackward&);
  void (*rope)(const Rope&);
  /// On the calling thread: attention runs whole heads on threads.
  void (*causal_softmax)(const CausalSoftmax&);
  void (*scatter_rows)(const ScatterRows&);
  /// norms[r] = ||x[r]||_2: x [rows, d], norms [rows]
  void (*row_norms)(const float* x, std::int64_t rows, std::int64_t d, float* norms);

  /// What kernels/gemm.h promises.
  void (*gemm)(const Gemm&);

  /// Floats that panels of [n, d] take.
  std::int64_t (*panel_floats)(std::int64_t n, std::int64_t d);
  void (*pack_panels)(const PackPanels&);
  void (*unpack_panels)(const UnpackPanels&);
  void (*panel_product)(const PanelProduct&);

  /// sums[j] = sum over i of x[i, j]: x [n, f], rows `stride` elements apart; sums [f], overwritten
  void (*column_sums)(const float* x, std::int64_t n, std::int64_t f, std::int64_t stride, float* sums);
  double (*sum_of_squares)(const float* x, std::int64_t count);
  void (*adamw)(const AdamW&);
  /// y = tanh(x), both [count]; y may be x.
  void (*tanh_forward)(const float* x, float* y, std::int64_t count);
  /// dx = dy * (1 - y * y), all [count]; dx may be dy.
  void (*tanh_backward)(const float* dy, const float* y, float* dx, std::int64_t count);
};

/// The variant of the instruction set that was chosen (base/instruction_set.h).
const Kernels& kernels();

/// The variants this machine runs, the plainest first.
std::span<const Kernels* const> available_kernels();

/// Whether dropout keeps element `index` of a tensor: the definition, one element at a time.
bool dropout_keeps(DropoutKey key, std::uint64_t index);

}  // namespace espalier::simd
