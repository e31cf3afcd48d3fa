#pragma once

#include "kernels/simd/bodies/activation.h"
#include "kernels/simd/bodies/column_sums.h"
#include "kernels/simd/bodies/decoder.h"
#include "kernels/simd/bodies/embedding.h"
#include "kernels/simd/bodies/gemm.h"
#include "kernels/simd/bodies/loss.h"
#include "kernels/simd/bodies/norm.h"
#include "kernels/simd/bodies/optimizer.h"
#include "kernels/simd/bodies/panels.h"
#include "kernels/simd/bodies/permutation.h"
#include "kernels/simd/bodies/router.h"
#include "kernels/simd/bodies/softmax.h"

namespace espalier::simd {
namespace {

constexpr Kernels kTable{
    .isa = kIsa,
    .gelu_forward = gelu_forward,
    .gelu_backward = gelu_backward,
    .dropout = dropout,
    .layer_norm_forward = layer_norm_forward,
    .layer_norm_backward = layer_norm_backward,
    .attention_softmax = attention_softmax,
    .attention_softmax_backward = attention_softmax_backward,
    .router_forward = router_forward,
    .router_backward = router_backward,
    .sort_by_expert = sort_by_expert,
    .gather_rows = gather_rows,
    .combine = combine,
    .combine_backward = combine_backward,
    .cross_entropy = cross_entropy,
    .embedding_forward = embedding_forward,
    .embedding_backward = embedding_backward,
    .rms_norm = rms_norm,
    .silu_multiply = silu_multiply,
    .rms_norm_backward = rms_norm_backward,
    .silu_multiply_rows = silu_multiply_rows,
    .silu_multiply_backward = silu_multiply_backward,
    .rope = rope,
    .causal_softmax = causal_softmax,
    .scatter_rows = scatter_rows,
    .row_norms = row_norms,
    .gemm = gemm,
    .panel_floats = panel_floats,
    .pack_panels = pack_panels,
    .unpack_panels = unpack_panels,
    .panel_product = panel_product,
    .column_sums = column_sums,
    .sum_of_squares = sum_of_squares,
    .adamw = adamw,
    .tanh_forward = tanh_forward,
    .tanh_backward = tanh_backward,
};

}  // namespace
}  // namespace espalier::simd
