
#include <omp.h>
#include <torch/autograd.h>

#include <algorithm>
#include <array>
#include <vector>

#include "kernels/simd/kernels.h"
#include "train/onednn/functions.h"
#include "train/onednn/gemm.h"
#include "train/onednn/row_parts.h"

namespace espalier::onednn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

struct LinearShape {
  std::int64_t rows, in, out;

  /// Parts of rows pay off where the weight, which each part reads again, is small beside them.
  int threads() const { return rows >= out ? threads_for_rows(rows, in * out) : 1; }
};

/// y [rows, out] = x weight^T + bias, if there is one.
void forward_part(const LinearShape& s, const RowPart& part, const float* x, const float* weight,
                  const float* bias, float* all_y) {
  float* y = all_y + part.first * s.out;
  for (std::int64_t i = 0; bias != nullptr && i < part.rows; ++i) std::copy_n(bias, s.out, y + i * s.out);
  gemm(part.rows, s.out, s.in, {x + part.first * s.in, s.in}, {weight, s.in, true},
       bias != nullptr ? 1.0F : 0.0F, y, s.out);
}

void forward_whole(const LinearShape& s, const float* x, const float* weight, const float* bias, float* y) {
  const std::array<std::int32_t, 2> offsets{0, static_cast<std::int32_t>(s.rows)};
  const int most_threads = s.threads();
  if (most_threads == 1) return forward_part(s, {0, 0, s.rows, true}, x, weight, bias, y);
#pragma omp parallel num_threads(most_threads)
  for (const auto& part : row_parts(offsets, omp_get_thread_num(), omp_get_num_threads()))
    forward_part(s, part, x, weight, bias, y);
}

/// dx [rows, in] = dy weight and dweight [out, in] = dy^T x; either may be null.
void backward_rows(const LinearShape& s, const float* x, const float* weight, const float* dy, float* dx,
                   float* dweight) {
  const std::array<std::int32_t, 2> offsets{0, static_cast<std::int32_t>(s.rows)};
  const int most_threads = s.threads();
  std::vector<std::vector<float>> others(static_cast<std::size_t>(most_threads));  // but for thread 0
#pragma omp parallel num_threads(most_threads)
  {
    const int thread = omp_get_thread_num(), threads = omp_get_num_threads();
    auto& own = others[static_cast<std::size_t>(thread)];
    if (dweight != nullptr && thread > 0) own.resize(static_cast<std::size_t>(s.out * s.in));
    for (const auto& part : row_parts(offsets, thread, threads)) {
      const float* dy_part = dy + part.first * s.out;
      if (dx != nullptr)
        gemm(part.rows, s.in, s.out, {dy_part, s.out}, {weight, s.in}, 0, dx + part.first * s.in, s.in);
      if (dweight != nullptr)
        add_weight_gradient(part.rows, s.out, s.in, {dy_part, s.out}, {x + part.first * s.in, s.in},
                            part.begins_share ? 0.0F : 1.0F, thread == 0 ? dweight : own.data(), s.in);
    }
#pragma omp barrier
    for (const auto& other : others)
      if (!other.empty()) add_share(dweight, other.data(), s.out * s.in, thread, threads);
  }
}

struct LinearFunction : torch::autograd::Function<LinearFunction> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x, const torch::Tensor& weight,
                               const c10::optional<torch::Tensor>& bias) {
    context->save_for_backward({x, weight});
    context->saved_data["bias"] = bias.has_value();
    const LinearShape shape{x.size(0), x.size(1), weight.size(0)};
    auto y = torch::empty({shape.rows, shape.out}, x.options());
    forward_whole(shape, x.data_ptr<float>(), weight.data_ptr<float>(),
                  bias ? bias->data_ptr<float>() : nullptr, y.data_ptr<float>());
    return y;
  }

  static tensor_list backward(AutogradContext* context, tensor_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto &x = saved[0], &weight = saved[1];
    const auto dy = gradients[0].contiguous();
    const LinearShape s{x.size(0), x.size(1), weight.size(0)};
    torch::Tensor dx, dweight, dbias;
    if (context->needs_input_grad(0)) dx = torch::empty_like(x);
    if (context->needs_input_grad(1)) dweight = torch::empty_like(weight);
    float* dx_values = dx.defined() ? dx.data_ptr<float>() : nullptr;
    float* dweight_values = dweight.defined() ? dweight.data_ptr<float>() : nullptr;
    const float* dy_values = dy.data_ptr<float>();
    if (s.threads() > 1) {
      backward_rows(s, x.data_ptr<float>(), weight.data_ptr<float>(), dy_values, dx_values, dweight_values);
    } else {
      if (dx.defined())
        gemm(s.rows, s.in, s.out, {dy_values, s.out}, {weight.data_ptr<float>(), s.in}, 0, dx_values, s.in);
      if (dweight.defined())
        weight_gradient(s.rows, s.out, s.in, dy_values, x.data_ptr<float>(), dweight_values);
    }
    if (context->saved_data["bias"].toBool() && context->needs_input_grad(2)) {
      dbias = torch::empty({s.out}, x.options());
      simd::kernels().column_sums(dy_values, s.rows, s.out, s.out, dbias.data_ptr<float>());
    }
    return {dx, dweight, dbias};
  }
};

}  // namespace

torch::Tensor linear(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias) {
  return LinearFunction::apply(checked(x, "linear's input"), checked(weight, "linear's weight"),
                               checked_if_defined(bias, "linear's bias"));
}

}  // namespace espalier::onednn
